import type { Message } from "@jellybrick/dbus-next";
import type { Call } from "./connection.ts";
import { unitPath } from "./unit-path.ts";

export const MANAGER = "org.freedesktop.systemd1.Manager";
const SYSTEMD = "org.freedesktop.systemd1";
const PROPERTIES = "org.freedesktop.DBus.Properties";
const BUS = "org.freedesktop.DBus";

/** A call of systemd's manager. */
export function managerCall(member: string, signature = "", body: readonly unknown[] = []): Call {
  const path = "/org/freedesktop/systemd1";
  return { destination: SYSTEMD, path, interface: MANAGER, member, signature, body };
}

/** A read of one property of a unit; `kind` is the interface that has it. */
export function propertyCall(unit: string, kind: "Unit" | "Service", name: string): Call {
  const body = [`${SYSTEMD}.${kind}`, name];
  return { destination: SYSTEMD, path: unitPath(unit), interface: PROPERTIES, member: "Get", signature: "ss", body };
}

/** Asks the bus to send the signals that a rule describes, or no longer. */
export function matchCall(member: "AddMatch" | "RemoveMatch", rule: string): Call {
  return {
    destination: BUS,
    path: "/org/freedesktop/DBus",
    interface: BUS,
    member,
    signature: "s",
    body: [`type='signal',${rule}`],
  };
}

/** What is always listened to: jobs, reloads, enablements, and systemd itself coming and going. */
export const STANDING_RULES = [
  ...["JobRemoved", "Reloading", "UnitFilesChanged"].map(managerSignal),
  `sender='${BUS}',member='NameOwnerChanged',arg0='${SYSTEMD}'`,
];

/** What says that a unit has changed. */
export function rulesOf(unit: string): readonly string[] {
  return [
    `sender='${SYSTEMD}',interface='${PROPERTIES}',member='PropertiesChanged',path='${unitPath(unit)}'`,
    ...["UnitNew", "UnitRemoved"].map((member) => `${managerSignal(member)},arg0='${unit}'`),
  ];
}

function managerSignal(member: string): string {
  return `sender='${SYSTEMD}',interface='${MANAGER}',member='${member}'`;
}

export function isNewSystemd(message: Message): boolean {
  return message.member === "NameOwnerChanged" && message.body[0] === SYSTEMD;
}

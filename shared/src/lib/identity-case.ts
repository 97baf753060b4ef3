import type { CodeArgs, Severity } from "../codes/code.ts";
import { codes } from "../codes/codes.ts";
import { render } from "../codes/render.ts";
import { type Machine, machineDifference, machineText } from "../protocol/machine.ts";
import { FettleError } from "./errors.ts";

/** expired: asks to be let in again. moved: its identity came from another machine. duplicate: from several. */
export type CaseKind = "expired" | "moved" | "duplicate";

export interface SeenMachine extends Machine {
  /** When it came; null for the one that the identity was made for and that has not come since. */
  readonly seenAt: number | null;
}

/** What only a person can say of one node's identity: which machine it is. */
export interface IdentityCase {
  node: string;
  stack: string;
  kind: CaseKind;
  at: number;
  /** `SeenMachine[]`, JSON. */
  machines: string;
  /** The machine that a person has named (`Machine`, JSON); null until then. */
  approved: string | null;
  approvedAt: number | null;
  approvedBy: string | null;
}

export interface Sighting {
  readonly node: string;
  readonly stack: string;
  readonly kind: CaseKind;
  readonly machines: readonly SeenMachine[];
  readonly at: number;
}

const RANK: readonly CaseKind[] = ["expired", "moved", "duplicate"];
/** More machines than this with one identity are not told apart any more. */
const MAX_MACHINES = 8;

/** The case with what was seen now. */
export function withSighting(known: IdentityCase | undefined, seen: Sighting): IdentityCase {
  const { node, stack, kind, at } = seen;
  const all = known === undefined ? [] : machinesOf(known);
  for (const machine of seen.machines) {
    const index = all.findIndex((one) => isSame(one, machine));
    if (index < 0) all.push(machine);
    else if (machine.seenAt !== null) all[index] = machine;
  }
  const worst = known !== undefined && RANK.indexOf(known.kind) > RANK.indexOf(kind) ? known.kind : kind;
  const several = all.filter(({ seenAt }) => seenAt !== null).length > 1;
  return {
    node,
    stack,
    kind: worst === "moved" && several ? "duplicate" : worst,
    at: known?.at ?? at,
    machines: JSON.stringify(all.slice(0, MAX_MACHINES)),
    approved: known?.approved ?? null,
    approvedAt: known?.approvedAt ?? null,
    approvedBy: known?.approvedBy ?? null,
  };
}

/** Whether a person would want to hear of it: not only another time of the same. */
export function isNews(known: IdentityCase | undefined, now: IdentityCase): boolean {
  return known === undefined || known.kind !== now.kind || machinesOf(now).length > machinesOf(known).length;
}

/** One may say less than the other, as an older agent does; but something that both say is the same. */
function isSame(one: Machine, other: Machine): boolean {
  if (machineDifference(one, other) !== null) return false;
  return idsOf(one).some((id) => idsOf(other).includes(id));
}

/** Which machine a person means. Throws `identity.which-machine`. */
export function chosenMachine(found: IdentityCase, id: string | undefined): Machine {
  const all = machinesOf(found);
  const asked = id?.toLowerCase();
  const fits =
    asked === undefined
      ? all.filter(({ seenAt }) => seenAt !== null)
      : all.filter((machine) => idsOf(machine).includes(asked));
  const [only, ...more] = fits;
  if (only === undefined || more.length > 0)
    throw new FettleError("identity.which-machine", { node: found.node, machines: machinesText(found) });
  const { machineId, instanceId, productUuid } = only;
  return { machineId, instanceId, productUuid };
}

function idsOf({ machineId, instanceId, productUuid }: Machine): string[] {
  return [machineId, instanceId, productUuid].filter((id) => id !== "").map((id) => id.toLowerCase());
}

/** Whether a person has said that this machine is the node. */
export function isApproved(found: IdentityCase | undefined, machine: Machine): boolean {
  const approved = found === undefined ? null : approvedOf(found);
  return approved !== null && isSame(approved, machine);
}

export function machinesOf({ machines }: Pick<IdentityCase, "machines">): SeenMachine[] {
  return JSON.parse(machines) as SeenMachine[];
}

export function machinesText(found: Pick<IdentityCase, "machines">): string {
  return machinesOf(found).map(machineText).join("; ");
}

function approvedOf({ approved }: IdentityCase): Machine | null {
  return approved === null ? null : (JSON.parse(approved) as Machine);
}

const CODES = {
  expired: "identity.readmission-asked",
  moved: "identity.moved",
  duplicate: "identity.duplicate",
} as const satisfies Record<CaseKind, string>;

type CaseCode = (typeof CODES)[CaseKind] | "identity.readmitting";

export interface CaseNote {
  readonly code: CaseCode;
  readonly args: CodeArgs;
  readonly severity: Severity;
  readonly text: string;
}

/** What is said of a node whose identity a person has to decide about, or has decided. */
export function caseNote(found: IdentityCase): CaseNote {
  const { node } = found;
  const approved = approvedOf(found);
  if (approved !== null) return noted("identity.readmitting", { node, machine: machineText(approved) });
  const all = machinesOf(found);
  const bound = all.find(({ seenAt }) => seenAt === null);
  const came = all.find(({ seenAt }) => seenAt !== null);
  return noted(CODES[found.kind], {
    node,
    machines: machinesText(found),
    bound: bound ? machineText(bound) : "another machine",
    found: came ? machineText(came) : "elsewhere",
  });
}

function noted(code: CaseCode, args: CodeArgs): CaseNote {
  const { severity, cause } = codes[code];
  return { code, args, severity, text: render(cause, args) };
}

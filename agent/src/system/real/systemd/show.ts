import { Variant } from "@jellybrick/dbus-next";
import type { UnitState } from "../../units.ts";
import { UnitError } from "../../units.ts";
import type { Bus } from "./bus.ts";
import { hasUnknownDropIn } from "./drop-ins.ts";
import { managerCall, propertyCall } from "./messages.ts";

type Kind = "Unit" | "Service";
type Properties = Readonly<Record<string, unknown>>;

/** SubState comes first, to be compared with what it is after the others. */
const OF_UNIT = ["SubState", "LoadState", "ActiveState", "FragmentPath", "DropInPaths", "NeedDaemonReload"];
const OF_SERVICE = ["Result", "MainPID", "NRestarts", "Environment", "ExecMainStatus"];
const TRIES = 3;

export async function show(bus: Bus, unit: string): Promise<UnitState> {
  const enabled = await enablement(bus, unit);
  if (enabled === "" && !(await isLoaded(bus, unit))) return ABSENT;
  const of = await snapshot(bus, unit);
  const load = loadOf(text(of.LoadState));
  const dropIns = texts(of.DropInPaths);
  return {
    load,
    active: activeOf(text(of.ActiveState)),
    sub: text(of.SubState),
    result: text(of.Result),
    mainPid: number(of.MainPID),
    restarts: number(of.NRestarts),
    fragmentPath: text(of.FragmentPath),
    dropIns,
    environment: texts(of.Environment),
    needReload: of.NeedDaemonReload === true || (load === "loaded" && hasUnknownDropIn(unit, dropIns)),
    enabled,
    exitStatus: number(of.ExecMainStatus),
  };
}

/** What systemd would answer; but each question about it would have it loaded and dropped, with a dozen signals. */
export const ABSENT: UnitState = {
  load: "not-found",
  active: "inactive",
  sub: "dead",
  result: "success",
  mainPid: 0,
  restarts: 0,
  fragmentPath: "",
  dropIns: [],
  environment: [],
  needReload: false,
  enabled: "",
  exitStatus: 0,
};

async function isLoaded(bus: Bus, unit: string): Promise<boolean> {
  try {
    await bus.call(unit, managerCall("GetUnit", "s", [unit]));
    return true;
  } catch (error) {
    if (error instanceof UnitError && error.reason === "NoSuchUnit") return false;
    throw error;
  }
}

/**
 * Reads what is needed one by one, all at once: GetAll answers some 400 properties, which costs this process a little
 * more CPU and twice the memory until the next garbage collection. systemd answers in the order of the questions, so
 * the answers belong together when the state was the same before and after.
 */
async function snapshot(bus: Bus, unit: string): Promise<Properties> {
  const questions = questionsFor(unit);
  for (let tried = 1; ; tried += 1) {
    const asked = [...questions, ...questions.slice(0, 1)];
    const answers = await Promise.all(asked.map(({ kind, name }) => property(bus, unit, kind, name)));
    if (answers[0] !== answers.at(-1) && tried < TRIES) continue;
    return Object.fromEntries(questions.map(({ name }, index) => [name, answers[index]]));
  }
}

function questionsFor(unit: string): readonly { readonly kind: Kind; readonly name: string }[] {
  const ofUnit = OF_UNIT.map((name) => ({ kind: "Unit" as const, name }));
  if (!unit.endsWith(".service")) return ofUnit;
  return [...ofUnit, ...OF_SERVICE.map((name) => ({ kind: "Service" as const, name }))];
}

async function property(bus: Bus, unit: string, kind: Kind, name: string): Promise<unknown> {
  const [variant] = await bus.call(unit, propertyCall(unit, kind, name));
  return variant instanceof Variant ? variant.value : undefined;
}

/** From the disk: the UnitFileState property is what systemd remembers, and misses a link that somebody removed. */
async function enablement(bus: Bus, unit: string): Promise<string> {
  try {
    const [state] = await bus.call(unit, managerCall("GetUnitFileState", "s", [unit]));
    return text(state);
  } catch (error) {
    if (error instanceof UnitError && error.code === "refused") return "";
    throw error;
  }
}

const LOADS = ["loaded", "not-found", "masked", "error", "bad-setting"] as const;
const ACTIVES = ["active", "inactive", "failed", "activating", "deactivating", "reloading", "maintenance"] as const;

/** `stub` and `merged` are passed through while systemd loads; nothing that stays. */
function loadOf(word: string): UnitState["load"] {
  return LOADS.find((known) => known === word) ?? (word === "merged" ? "loaded" : "error");
}

/** A newer systemd's `refreshing` is a reload. */
function activeOf(word: string): UnitState["active"] {
  return ACTIVES.find((known) => known === word) ?? "reloading";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

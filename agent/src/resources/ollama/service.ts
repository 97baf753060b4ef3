import { splitHostPort } from "@fettle/shared/lib/address.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { Host } from "../../system/host.ts";
import type { UnitState } from "../../system/units.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ServiceUse, Verdict } from "../resource.ts";
import { environmentOnDisk } from "./environment-on-disk.ts";
import { runsReplaced } from "./program-store.ts";
import { addressOf } from "./running-version.ts";
import { OLLAMA_UNIT, wantedEnvironment } from "./unit-file.ts";

interface Observed {
  readonly unit: UnitState;
  /** The environment that the running process was started with; null when none runs. */
  readonly environ: Readonly<Record<string, string>> | null;
  /** Age of the process; null when none runs. */
  readonly ageMs: number | null;
  /** What a process that is started now is given by the unit's files. */
  readonly onDisk: ReadonlyMap<string, string>;
  /** The newest journal line when the unit fails again and again. */
  readonly lastLine: string;
  /** The process was started with a program that Fettle has replaced since. */
  readonly replaced: boolean;
}

const TRANSIT: ReadonlySet<string> = new Set(["activating", "deactivating", "reloading", "maintenance"]);
/** Between fork and exec a process still has systemd's own environment. */
const EXEC_MS = 1_000;
const STOPPED: ReadonlySet<string> = new Set(["inactive", "failed"]);

/** `ollama.service` is enabled, active, and its process has the declared environment. */
export function service(params: OllamaParams): Resource<Observed> {
  const wanted = wantedEnvironment(params);
  return define<Observed>({
    id: "ollama.service",
    declared: wanted,
    after: ["ollama.install", "ollama.drop-in"],
    settleMs: 15_000,
    touches: ["unit:ollama", "ollama:"],
    service: ollamaUse(params),
    observe,
    diff: (observed) => diff(observed, wanted),
    apply: async ({ host }, changes) => apply(host, changes),
  });
}

/** Where Ollama's users are seen. */
export function ollamaUse(params: OllamaParams): ServiceUse {
  return {
    port: params.listen.port,
    drainMs: params.drainMs,
    mainPid: async (host) => (await host.units.show(OLLAMA_UNIT)).mainPid || null,
    servedPort: async (host, pid) => {
      const served = splitHostPort(addressOf((await host.proc.environ(pid))?.OLLAMA_HOST ?? "") ?? "");
      return served?.port ?? null;
    },
  };
}

async function observe({ host, pass }: ResourceContext): Promise<Observed> {
  const unit = await pass.once("unit:ollama", () => host.units.show(OLLAMA_UNIT));
  const environ = unit.mainPid > 0 ? await host.proc.environ(unit.mainPid) : null;
  const lastLine = isCrashing(unit) ? ((await host.units.journal(OLLAMA_UNIT, 1))[0] ?? "") : "";
  const onDisk = await environmentOnDisk(host.files, unit);
  const ageMs = unit.mainPid > 0 ? await host.proc.ageMs(unit.mainPid) : null;
  return { unit, environ, ageMs, onDisk, lastLine, replaced: await runsReplaced(host, unit.mainPid) };
}

function diff(
  { unit, environ, ageMs, onDisk, lastLine, replaced }: Observed,
  wanted: Readonly<Record<string, string>>,
): Verdict {
  if (unit.load === "masked") return { kind: "blocked", code: "ollama.service.masked", args: {} };
  if (unit.load === "not-found") return { kind: "waiting", code: "ollama.service.absent", args: {} };
  const loaded = missing(Object.fromEntries(unit.environment.map(pair)), wanted, "as loaded by systemd");
  if (isCrashing(unit) && loaded.length === 0 && !unit.needReload)
    return { kind: "blocked", code: "ollama.service.crashing", args: { restarts: unit.restarts, problem: lastLine } };
  if (TRANSIT.has(unit.active) && !isCrashing(unit))
    return { kind: "unknown", code: "agent.in-transit", args: { what: OLLAMA_UNIT, state: unit.active } };
  const process = environ === null ? [] : stale(environ, onDisk, wanted);
  if (process.length > 0 && loaded.length === 0 && ageMs !== null && ageMs < EXEC_MS)
    return { kind: "unknown", code: "agent.in-transit", args: { what: OLLAMA_UNIT, state: "starting" } };
  if (replaced)
    process.push({ what: "program of the running process", from: "the one before", to: "the installed one" });
  return verdict(unit, loaded, process);
}

function verdict(unit: UnitState, loaded: Change[], process: Change[]): Verdict {
  const down = STOPPED.has(unit.active);
  const changes: Change[] = [...loaded, ...process];
  if (unit.needReload) changes.push({ what: RELOAD, from: "stale", to: "current" });
  if (down) changes.push({ what: OLLAMA_UNIT, from: unit.active, to: "active" });
  if (unit.enabled !== "enabled") changes.push({ what: ENABLED, from: unit.enabled, to: "enabled" });
  if (changes.length === 0) return { kind: "in-sync" };
  const restarts = !down && (loaded.length > 0 || process.length > 0);
  const breaking =
    down || isCrashing(unit) || [...loaded, ...process].some(({ what }) => what.startsWith("OLLAMA_HOST"));
  const restartOnly = down && loaded.length === 0;
  return { kind: "drift", changes, disturbs: restarts ? "service" : "none", breaking, restartOnly };
}

const RELOAD = "unit files as loaded by systemd";
const ENABLED = "start at boot";

async function apply(host: Host, changes: readonly Change[]): Promise<void> {
  if (changes.some(({ what }) => what === ENABLED)) await host.units.enable(OLLAMA_UNIT);
  await host.units.daemonReload();
  const unit = await host.units.show(OLLAMA_UNIT);
  const onlyFiles = changes.every(({ what }) => what === ENABLED || what === RELOAD);
  if (STOPPED.has(unit.active)) await host.units.start(OLLAMA_UNIT);
  else if (!onlyFiles) await host.units.restart(OLLAMA_UNIT);
}

/** Differences between what the process has and what it is to have: the effect is checked, not the file. */
function stale(
  environ: Readonly<Record<string, string>>,
  onDisk: ReadonlyMap<string, string>,
  wanted: Readonly<Record<string, string>>,
): Change[] {
  const gone = Object.keys(environ).filter((key) => key.startsWith("OLLAMA_") && !onDisk.has(key));
  const left = gone.filter((key) => !Object.hasOwn(wanted, key));
  return [
    ...missing(environ, wanted, "in the running process"),
    ...left.map((key) => ({ what: `${key} in the running process`, from: environ[key] ?? "", to: null })),
  ];
}

function missing(
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  where: string,
): Change[] {
  return Object.entries(wanted)
    .filter(([key, value]) => found[key] !== value)
    .map(([key, value]) => ({ what: `${key} ${where}`, from: found[key] ?? null, to: value }));
}

/** `Restart=always` brings it back every 3 s for ever; that is no passing state. */
function isCrashing(unit: UnitState): boolean {
  return unit.active === "activating" && unit.sub === "auto-restart" && unit.restarts >= 2;
}

function pair(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}

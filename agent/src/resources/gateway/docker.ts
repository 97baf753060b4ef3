import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { EngineVersion } from "../../clients/engine/engine.ts";
import type { Host } from "../../system/host.ts";
import type { UnitState } from "../../system/units.ts";
import { isRunning } from "../any/apt-unit.ts";
import { define } from "../define.ts";
import type { Reporter, Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { INSTALL_UNIT, installDocker } from "./docker-install.ts";
import { enginesInstalled } from "./docker-packages.ts";
import { DOCKER_UNIT } from "./names.ts";
import { SourcesRecord } from "./sources-record.ts";

interface Observed {
  readonly engine: EngineVersion | null;
  /** Why it does not answer: Node's code, or the Engine's own words. */
  readonly problem: string;
  readonly unit: UnitState;
  readonly installing: boolean;
  /** Engines that are installed; looked at only when there is no docker.service. */
  readonly found: readonly string[];
  readonly canInstall: boolean;
  /** Why no package source was reached, the last time; null when it is to be tried. */
  readonly unreachable: string | null;
  /** Why it does not start: what our last try ended with, or what it says each time it ends. */
  readonly startFailed: string | null;
  /** How long its unit has been active without an answer. */
  readonly silentMs: number;
}

const TRANSIT: ReadonlySet<string> = new Set(["activating", "deactivating", "reloading"]);
const START_FAILED = "start-failed";
const SILENT_SINCE = "silent-since";
/** A daemon that was just started, or that restarts, is silent for a while. */
const PATIENCE_MS = 30_000;
const INSTALL = "docker.io";
const BOOT = "start at boot";
const SETTLE_MS = 60_000;

/** A Docker Engine answers on its socket and starts at boot; installed only where no container engine is at all. */
export function docker(): Resource<Observed> {
  return define<Observed>({
    id: "gateway.docker",
    declared: { unit: DOCKER_UNIT },
    after: ["gateway.host"],
    long: true,
    settleMs: SETTLE_MS,
    touches: ["engine:", "unit:docker"],
    observe,
    diff,
    apply,
    facts: ({ engine }): Readonly<Record<string, string>> => (engine ? { dockerVersion: engine.Version } : {}),
  });
}

async function observe({ host, clients, pass, kept }: ResourceContext, signal: AbortSignal): Promise<Observed> {
  const unit = await pass.once("unit:docker", () => host.units.show(DOCKER_UNIT));
  const asked = await clients.engine.version(signal).then(
    (engine) => ({ engine, problem: "" }),
    (error: unknown) => ({ engine: null, problem: codeOf(error) }),
  );
  signal.throwIfAborted();
  const absent = asked.engine === null && unit.load === "not-found";
  return {
    ...asked,
    unit,
    installing: absent && isRunning(await host.units.show(INSTALL_UNIT)),
    found: absent ? await enginesInstalled(host) : [],
    canInstall: absent && (await host.exec.find("apt-get")) !== null,
    unreachable: absent ? await new SourcesRecord({ host, kept }).stands() : null,
    startFailed: unit.active === "failed" ? kept.get(START_FAILED) : isCrashing(unit) ? await lastLine(host) : null,
    silentMs: silentMs(asked.engine === null && unit.active === "active", kept, host.clock.now()),
  };
}

function silentMs(silent: boolean, kept: ResourceContext["kept"], now: number): number {
  const since = Number(kept.get(SILENT_SINCE) ?? now);
  if (!silent) kept.delete(SILENT_SINCE);
  else if (kept.get(SILENT_SINCE) === null) kept.set(SILENT_SINCE, String(now));
  return now - since;
}

/** Its unit starts it again and again: that is no passing state. */
function isCrashing({ active, sub, restarts }: UnitState): boolean {
  return active === "activating" && sub === "auto-restart" && restarts >= 3;
}

async function lastLine(host: Host): Promise<string> {
  return ((await host.units.journal(DOCKER_UNIT, 1))[0] ?? "it ended without a word").slice(0, 300);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : messageOf(error).slice(0, 300);
}

function diff(observed: Observed): Verdict {
  const { engine, unit } = observed;
  if (engine?.Components?.some(({ Name }) => /podman/i.test(Name)))
    return { kind: "blocked", code: "gateway.docker.podman", args: { version: engine.Version } };
  if (unit.load === "masked") return { kind: "blocked", code: "gateway.docker.masked", args: {} };
  return engine === null ? away(observed) : answering(unit);
}

function answering(unit: UnitState): Verdict {
  if (unit.load === "not-found") {
    const findings: ResourceFinding[] = [{ code: "gateway.docker.boot-unknown", args: {} }];
    return { kind: "in-sync", findings };
  }
  if (["enabled", "static", "alias", "generated"].includes(unit.enabled)) return { kind: "in-sync" };
  const changes = [{ what: BOOT, from: unit.enabled, to: "enabled" }];
  return { kind: "drift", changes, disturbs: "none", breaking: false };
}

function away(observed: Observed): Verdict {
  const { unit, installing, found, canInstall, unreachable, startFailed } = observed;
  if (unit.load === "not-found") {
    if (installing) return transit(INSTALL_UNIT, "running");
    if (found.length > 0)
      return { kind: "blocked", code: "gateway.docker.other-engine", args: { found: found.join(", ").slice(0, 300) } };
    if (!canInstall) return { kind: "blocked", code: "gateway.docker.no-apt", args: {} };
    const changes = [{ what: INSTALL, from: null, to: "installed" }];
    if (unreachable !== null)
      return { kind: "blocked", code: "gateway.docker.apt-unreachable", args: { problem: unreachable }, changes };
    return { kind: "drift", changes, disturbs: "none", breaking: true, creates: "the package docker.io" };
  }
  if (startFailed !== null)
    return { kind: "blocked", code: "gateway.docker.start-failed", args: { problem: startFailed } };
  if (TRANSIT.has(unit.active)) return transit(DOCKER_UNIT, unit.active);
  if (unit.active === "active") return silent(observed);
  const changes: Change[] = [{ what: DOCKER_UNIT, from: unit.active, to: "active" }];
  if (unit.enabled === "disabled") changes.push({ what: BOOT, from: unit.enabled, to: "enabled" });
  return { kind: "drift", changes, disturbs: "none", breaking: true, restartOnly: true };
}

/** It runs and does not answer: a restart would end containers that are somebody else's. */
function silent({ problem, silentMs }: Observed): Verdict {
  if (silentMs < PATIENCE_MS) return transit(DOCKER_UNIT, "active, its Engine not yet answering");
  if (problem === "ENOENT" || problem === "ECONNREFUSED")
    return { kind: "blocked", code: "gateway.docker.no-socket", args: { problem } };
  if (problem === "EACCES") return { kind: "blocked", code: "gateway.docker.no-access", args: {} };
  return { kind: "blocked", code: "gateway.docker.unresponsive", args: { problem } };
}

function transit(what: string, state: string): Verdict {
  return { kind: "unknown", code: "agent.in-transit", args: { what, state } };
}

async function apply(
  { host, kept }: ResourceContext,
  changes: readonly Change[],
  signal: AbortSignal,
  reporter: Reporter,
): Promise<void> {
  const wanted = (what: string) => changes.some((change) => change.what === what);
  if (wanted(INSTALL)) {
    await installDocker(host, signal, reporter).catch(async (error: unknown) => {
      if (error instanceof FettleError && error.code === "gateway.docker.apt-unreachable")
        await new SourcesRecord({ host, kept }).note(String(error.args.problem));
      throw error;
    });
    await host.units.daemonReload();
  }
  if (wanted(BOOT) || wanted(INSTALL)) await host.units.enable(DOCKER_UNIT);
  if (!wanted(INSTALL) && !wanted(DOCKER_UNIT)) return;
  kept.delete(START_FAILED);
  try {
    await host.units.start(DOCKER_UNIT, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const problem = await lastLine(host);
    kept.set(START_FAILED, problem);
    throw new FettleError("gateway.docker.start-failed", { problem }, { cause: error });
  }
}

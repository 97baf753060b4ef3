import type { Code } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import type { TransientUnit, UnitState } from "../../system/units.ts";
import type { Reporter } from "../resource.ts";

const UPDATE = "fettle-apt-update";
const INSTALL = "fettle-docker-install";
export const INSTALL_UNIT = `${INSTALL}.service`;
const LOOK_MS = 500;
const LINES = 200;
const LOCK = ["-o", "DPkg::Lock::Timeout=120"];
const ENV = { DEBIAN_FRONTEND: "noninteractive", LANG: "C" };

/** Failures of apt by what it says, most telling first. */
const PROBLEMS: ReadonlyArray<readonly [RegExp, Code]> = [
  [
    /Could not get lock|Unable to acquire the dpkg frontend lock|is another process using it/,
    "gateway.docker.apt-locked",
  ],
  [/Packages need to be removed|need to be removed but remove is disabled/, "gateway.docker.would-remove"],
  [/dpkg was interrupted|unmet dependencies/, "gateway.docker.dpkg-broken"],
  [/No space left on device|You don't have enough free space/, "gateway.docker.disk-full"],
  [/Unable to locate package|has no installation candidate/, "gateway.docker.no-package"],
  [
    /Temporary failure resolving|Could not (resolve|connect)|Failed to fetch|Unable to connect/,
    "gateway.docker.apt-unreachable",
  ],
];

/** Installs the distribution's Engine in units that outlive the agent; one that runs already is waited for. */
export async function installDocker(host: Host, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const apt = await host.exec.find("apt-get");
  if (apt === null) throw new FettleError("gateway.docker.no-apt");
  if (!isRunning(await host.units.show(INSTALL_UNIT))) {
    reporter.progress({ text: "reading the package lists" });
    // Old lists may do: what is missing is then told by the installation itself.
    await follow(host, unit(UPDATE, [apt, ...LOCK, "update"]), signal, reporter).catch((error: unknown) => {
      if (!(error instanceof FettleError)) throw error;
    });
    reporter.progress({ text: "installing docker.io" });
  }
  const argv = [apt, ...LOCK, "install", "--yes", "--no-remove", "--no-install-recommends", "docker.io"];
  await follow(host, unit(INSTALL, argv), signal, reporter);
}

function unit(name: string, argv: readonly string[]): TransientUnit {
  return { name, description: "Fettle: packages", argv, env: ENV, properties: { RuntimeMaxSec: 1_800 } };
}

/** Starts the unit, or finds it running, and passes on what it says; throws its code when it fails. */
async function follow(host: Host, transient: TransientUnit, signal: AbortSignal, reporter: Reporter): Promise<void> {
  const name = `${transient.name}.service`;
  const before = await host.units.show(name);
  if (!isRunning(before)) {
    await forget(host, before, name);
    await host.units.runTransient(transient, { signal });
  }
  const said = new Said(reporter);
  for (;;) {
    const state = await host.units.show(name);
    said.add(await host.units.journal(name, LINES));
    if (!isRunning(state)) {
      await forget(host, state, name);
      if (hasSucceeded(state)) return;
      throw failure(said.lines);
    }
    await host.clock.sleep(LOOK_MS, signal);
  }
}

async function forget(host: Host, { load, active }: UnitState, name: string): Promise<void> {
  if (active === "failed") await host.units.resetFailed(name);
  else if (load !== "not-found") await host.units.stop(name);
}

function failure(lines: readonly string[]): FettleError {
  const code = PROBLEMS.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1];
  const problem = lines.findLast((line) => /^(E:|dpkg:)/.test(line)) ?? lines.at(-1) ?? "it ended without a word";
  return new FettleError(code ?? "gateway.docker.install-failed", { problem: problem.slice(0, 300) });
}

export function isRunning({ load, active, sub }: UnitState): boolean {
  return load !== "not-found" && (active === "activating" || (active === "active" && sub !== "exited"));
}

/** A manager may forget a unit that ended well at once. */
function hasSucceeded({ active, result }: UnitState): boolean {
  return active !== "failed" && result === "success";
}

/** A unit's newest lines come again at each look: only what is new is passed on. */
class Said {
  readonly #reporter: Reporter;
  lines: readonly string[] = [];

  constructor(reporter: Reporter) {
    this.#reporter = reporter;
  }

  add(newest: readonly string[]): void {
    const last = this.lines.at(-1);
    const known = last === undefined ? -1 : newest.lastIndexOf(last);
    const fresh = newest.slice(known + 1);
    if (fresh.length === 0) return;
    this.#reporter.log(fresh.map((line) => `${line}\n`).join(""));
    this.lines = newest;
  }
}

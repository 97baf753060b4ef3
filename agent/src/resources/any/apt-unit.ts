import type { Code } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../../system/host.ts";
import type { TransientUnit, UnitState } from "../../system/units.ts";
import type { Reporter } from "../resource.ts";

/** Why apt did not do it. */
export type AptProblem =
  | "locked"
  | "would-remove"
  | "held"
  | "downgrade"
  | "compile"
  | "dpkg-broken"
  | "disk-full"
  | "no-package"
  | "unreachable";

/** By what it says, most telling first. */
const PROBLEMS: ReadonlyArray<readonly [RegExp, AptProblem]> = [
  [/Could not get lock|Unable to acquire the dpkg frontend lock|is another process using it/, "locked"],
  [/Held packages were changed|held broken packages/, "held"],
  [/Packages were downgraded/, "downgrade"],
  [/Packages need to be removed|need to be removed but remove is disabled/, "would-remove"],
  [/Bad return status for module build|Building module.*failed|make\.log for more information/, "compile"],
  [/dpkg was interrupted|unmet dependencies/, "dpkg-broken"],
  [/No space left on device|You don't have enough free space/, "disk-full"],
  [/Unable to locate package|has no installation candidate/, "no-package"],
  [/Temporary failure resolving|Could not (resolve|connect)|Failed to fetch|Unable to connect/, "unreachable"],
];

/** What a kind says for each of them; `failed` for the rest. */
export type AptCodes = Partial<Record<AptProblem, Code>> & { readonly failed: Code };

export interface AptUnit {
  /** Of the transient unit, without `.service`. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly maxSeconds?: number;
}

const LOOK_MS = 500;
const LINES = 200;
const MAX_SECONDS = 1_800;
/** Nobody is asked, and no service is restarted because a library of its was replaced. */
const ENV = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1", LANG: "C" };

/** `apt-get` waits so many seconds for another apt. */
export function aptLock(seconds: number): readonly string[] {
  return ["-o", `DPkg::Lock::Timeout=${seconds}`];
}

/**
 * Runs package work in a unit that outlives the agent; one of that name that runs already is waited for. Resolves with
 * what it said last. Throws the code of what went wrong.
 */
export async function runAptUnit(
  host: Host,
  unit: AptUnit,
  codes: AptCodes,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<readonly string[]> {
  const { name, argv, maxSeconds = MAX_SECONDS } = unit;
  const properties = { RuntimeMaxSec: maxSeconds };
  const end = await follow(
    host,
    { name, description: "Fettle: packages", argv, env: ENV, properties },
    signal,
    reporter,
  );
  if (!end.ok) throw failure(end.lines, codes);
  return end.lines;
}

/** What says that a package source was not reached; null for none. Reading the lists ends well all the same. */
export function unreachedIn(lines: readonly string[]): string | null {
  const pattern = PROBLEMS.find(([, problem]) => problem === "unreachable")?.[0];
  return lines.findLast((line) => pattern?.test(line)) ?? null;
}

export interface UnitEnd {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** Starts the unit, or finds it running, passes on what it says, and forgets it when it has ended. */
export async function follow(
  host: Host,
  transient: TransientUnit,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<UnitEnd> {
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
      return { ok: hasSucceeded(state), lines: said.lines };
    }
    await host.clock.sleep(LOOK_MS, signal);
  }
}

async function forget(host: Host, { load, active }: UnitState, name: string): Promise<void> {
  if (active === "failed") await host.units.resetFailed(name);
  else if (load !== "not-found") await host.units.stop(name);
}

function failure(lines: readonly string[], codes: AptCodes): FettleError {
  const found = PROBLEMS.find(([pattern]) => lines.some((line) => pattern.test(line)))?.[1];
  const problem = lines.findLast((line) => /^(E:|dpkg:)/.test(line)) ?? lines.at(-1) ?? "it ended without a word";
  const code = (found === undefined ? undefined : codes[found]) ?? codes.failed;
  return new FettleError(code, { problem: problem.slice(0, 300) });
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

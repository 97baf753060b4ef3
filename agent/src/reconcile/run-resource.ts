import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { codes } from "@fettle/shared/codes/codes.ts";
import { render } from "@fettle/shared/codes/render.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Pass, Reporter, Resource, ResourceContext, Verdict } from "../resources/resource.ts";
import type { RunEnd, RunPhase } from "../store/runs.ts";
import type { Clock } from "../system/clock.ts";
import { type Look, look } from "./look.ts";
import { type Cut, saidText } from "./said.ts";

/** What a run needs beside the resource; the journal writes through `phase` before the step it names. */
export interface RunDeps {
  readonly clock: Clock;
  readonly context: (pass: Pass) => ResourceContext;
  readonly newPass: () => Pass;
  readonly phase: (phase: RunPhase) => void;
  readonly reporter: Reporter;
  readonly cut: Cut;
  /** Why nobody waits for it to settle any more, or null. */
  readonly givenUp: () => string | null;
}

export interface RunResult {
  readonly end: RunEnd;
  /** The last look; null when none was made after the apply. */
  readonly look: Look | null;
}

const FIRST_LOOK_MS = 100;
const LOOK_EVERY_MS = 1_000;
/** While nothing could be observed that says it better. */
const SETTLE_MS = 5_000;

/**
 * One apply of one resource, whose intention is already journalled: apply, then observe and diff until it is in sync
 * or its settle time is over. Never throws: every way out is an outcome.
 */
export async function runResource(
  resource: Resource,
  changes: readonly Change[],
  deps: RunDeps,
  signal: AbortSignal,
): Promise<RunResult> {
  try {
    deps.phase("applying");
    const apply = must(resource.apply, `apply of ${resource.id}`);
    await apply.call(resource, deps.context(deps.newPass()), changes, signal, deps.reporter);
    deps.phase("checking");
    return await settle(resource, deps, signal);
  } catch (error) {
    return { end: endOf(error, resource, deps, signal), look: null };
  }
}

async function settle(resource: Resource, deps: RunDeps, signal: AbortSignal): Promise<RunResult> {
  const { clock } = deps;
  const startedAt = clock.mono();
  let settleMs = SETTLE_MS;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LOOK_EVERY_MS)) {
    const why = deps.givenUp();
    if (why !== null) return { end: ended(deps, "aborted", "agent.aborted", { why }), look: null };
    const seen = await look(resource, { clock, context: () => deps.context(deps.newPass()), signal });
    signal.throwIfAborted();
    settleMs = seen.settleMs ?? settleMs;
    const left = settleMs - (clock.mono() - startedAt);
    const end = endBy(seen.verdict, left <= 0, resource, settleMs, deps);
    if (end !== null) return { end, look: seen };
    await clock.sleep(Math.min(pauseMs, left), signal);
  }
}

/** null while it may still settle. */
function endBy(verdict: Verdict, over: boolean, resource: Resource, settleMs: number, deps: RunDeps): RunEnd | null {
  if (verdict.kind === "in-sync") return ended(deps, "repaired", null, {});
  if (verdict.kind !== "blocked" && !over) return null;
  if (verdict.kind !== "drift") return ended(deps, "failed", verdict.code, verdict.args);
  return ended(deps, "failed", "agent.not-settled", { resource: resource.id, seconds: Math.round(settleMs / 1000) });
}

function endOf(error: unknown, resource: Resource, deps: RunDeps, signal: AbortSignal): RunEnd {
  if (signal.aborted) return ended(deps, "aborted", "agent.aborted", { why: messageOf(signal.reason) });
  if (error instanceof FettleError) return ended(deps, "failed", error.code, error.args);
  return ended(deps, "failed", "agent.apply-failed", { resource: resource.id, problem: messageOf(error) });
}

function ended(deps: RunDeps, outcome: RunEnd["outcome"], code: Code | null, args: CodeArgs): RunEnd {
  const reason = code === null ? null : saidText(render(codes[code].cause, args), deps.cut);
  return { outcome, code, reason, endedAt: deps.clock.now() };
}

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

/** What a run needs beside the resource; the journal writes through `phase` before the step it names. */
export interface RunDeps {
  readonly clock: Clock;
  readonly context: (pass: Pass) => ResourceContext;
  readonly newPass: () => Pass;
  readonly phase: (phase: RunPhase) => void;
  readonly reporter: Reporter;
  /** Cuts known secrets out of a text. */
  readonly cut: (text: string) => string;
}

export interface RunResult {
  readonly end: RunEnd;
  /** What the last look said; null when none was made after the apply. */
  readonly verdict: Verdict | null;
  readonly observed: unknown;
}

const FIRST_LOOK_MS = 100;
const LOOK_EVERY_MS = 1_000;

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
    return { end: endOf(error, resource, deps, signal), verdict: null, observed: null };
  }
}

async function settle(resource: Resource, deps: RunDeps, signal: AbortSignal): Promise<RunResult> {
  const startedAt = deps.clock.mono();
  let pauseMs = FIRST_LOOK_MS;
  for (;;) {
    const observed = await resource.observe(deps.context(deps.newPass()), signal);
    const verdict = resource.diff(observed);
    const spent = deps.clock.mono() - startedAt;
    const settleMs = resource.settleMs(observed);
    if (verdict.kind === "in-sync") return { end: ended(deps, "repaired", null, {}), verdict, observed };
    if (verdict.kind === "blocked")
      return { end: ended(deps, "failed", verdict.code, verdict.args), verdict, observed };
    if (spent >= settleMs) return { end: notSettled(resource, verdict, settleMs, deps), verdict, observed };
    await deps.clock.sleep(Math.min(pauseMs, settleMs - spent), signal);
    pauseMs = Math.min(pauseMs * 2, LOOK_EVERY_MS);
  }
}

function notSettled(resource: Resource, verdict: Verdict, settleMs: number, deps: RunDeps): RunEnd {
  if (verdict.kind === "waiting" || verdict.kind === "unknown")
    return ended(deps, "failed", verdict.code, verdict.args);
  return ended(deps, "failed", "agent.not-settled", { resource: resource.id, seconds: Math.round(settleMs / 1000) });
}

function endOf(error: unknown, resource: Resource, deps: RunDeps, signal: AbortSignal): RunEnd {
  if (signal.aborted) return ended(deps, "aborted", "agent.aborted", { why: messageOf(signal.reason) });
  if (error instanceof FettleError) return ended(deps, "failed", error.code, error.args);
  return ended(deps, "failed", "agent.apply-failed", { resource: resource.id, problem: messageOf(error) });
}

function ended(deps: RunDeps, outcome: RunEnd["outcome"], code: Code | null, args: CodeArgs): RunEnd {
  const reason = code === null ? null : deps.cut(render(codes[code].cause, args)).slice(0, 2000);
  return { outcome, code, reason, endedAt: deps.clock.now() };
}

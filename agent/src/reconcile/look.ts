import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { untilAborted } from "@fettle/shared/lib/until-aborted.ts";
import type { Resource, ResourceContext, Verdict } from "../resources/resource.ts";
import type { Clock } from "../system/clock.ts";

export interface Look {
  readonly verdict: Verdict;
  /** Monotonic ms of its beginning: what happened after that it may not have seen. */
  readonly from: number;
  /** Wall-clock ms of the check that it rests on; null before there was one. */
  readonly checkedAt: number | null;
  /** Ms after which it is worth another look; null when the resource does not say. */
  readonly againMs: number | null;
  readonly facts: Readonly<Record<string, string>>;
  /** How long an apply may take to settle, by what was observed; null when nothing could be. */
  readonly settleMs: number | null;
}

export interface LookParts {
  readonly clock: Clock;
  readonly context: () => ResourceContext;
  readonly signal: AbortSignal;
}

/**
 * Observes and diffs once; whatever goes wrong is the verdict `unknown`. Ends by the resource's own limit, and with
 * the signal, whether or not what is asked listens to them. Never throws.
 */
export async function look(resource: Resource, { clock, context, signal }: LookParts): Promise<Look> {
  const from = clock.mono();
  const limit = AbortSignal.timeout(resource.lookMs);
  try {
    const both = AbortSignal.any([signal, limit]);
    const observed = await untilAborted(resource.observe(context(), both), both);
    return {
      verdict: resource.diff(observed),
      from,
      checkedAt: resource.checkedAt ? resource.checkedAt(observed) : clock.now(),
      againMs: resource.againMs?.(observed) ?? null,
      facts: resource.facts?.(observed) ?? {},
      settleMs: resource.settleMs(observed),
    };
  } catch (error) {
    const verdict = unknown(resource, error, limit.aborted);
    return { verdict, from, checkedAt: clock.now(), againMs: null, facts: {}, settleMs: null };
  }
}

function unknown(resource: Resource, error: unknown, late: boolean): Verdict {
  if (error instanceof FettleError) return { kind: "unknown", code: error.code, args: error.args };
  const problem = late ? `no answer within ${resource.lookMs / 1000} s` : messageOf(error);
  return { kind: "unknown", code: "agent.observe-failed", args: { resource: resource.id, problem } };
}

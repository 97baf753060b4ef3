import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Resource, ResourceContext, Verdict } from "../resources/resource.ts";

export interface Look {
  readonly verdict: Verdict;
  readonly observed: unknown;
}

/** Observes and diffs once; whatever goes wrong is the verdict `unknown`. Ends by the resource's own limit. */
export async function look(resource: Resource, ctx: ResourceContext, signal: AbortSignal): Promise<Look> {
  const limit = AbortSignal.timeout(resource.lookMs);
  try {
    const observed = await resource.observe(ctx, AbortSignal.any([signal, limit]));
    return { verdict: resource.diff(observed), observed };
  } catch (error) {
    return { verdict: unknown(resource, error, limit.aborted), observed: null };
  }
}

function unknown(resource: Resource, error: unknown, late: boolean): Verdict {
  if (error instanceof FettleError) return { kind: "unknown", code: error.code, args: error.args };
  const problem = late ? `no answer within ${resource.lookMs / 1000} s` : messageOf(error);
  return { kind: "unknown", code: "agent.observe-failed", args: { resource: resource.id, problem } };
}

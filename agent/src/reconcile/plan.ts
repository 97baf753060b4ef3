import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { PlannedResource, PlanResult } from "@fettle/shared/protocol/plan.ts";
import type { Pass, Resource, ResourceContext } from "../resources/resource.ts";
import type { Clock } from "../system/clock.ts";
import { newCell, reportOf, say } from "./cell.ts";
import { look } from "./look.ts";
import { order } from "./order.ts";
import { newPass } from "./pass.ts";
import type { Standing } from "./standing.ts";

export interface PlanDeps {
  readonly clock: Clock;
  readonly context: (resource: Resource, pass: Pass) => ResourceContext;
  readonly cut: (text: string) => string;
  readonly signal: AbortSignal;
}

/** Looks at resources as the loop does and says what an apply would change. Writes nothing. */
export async function plan(
  resources: readonly Resource[],
  refusals: Standing["refusals"],
  deps: PlanDeps,
): Promise<PlanResult> {
  const pass = newPass(uuidv7(deps.clock.now()));
  return { resources: await Promise.all(order(resources).map((one) => planOne(one, refusals, pass, deps))) };
}

async function planOne(
  resource: Resource,
  refusals: Standing["refusals"],
  pass: Pass,
  { clock, context, cut, signal }: PlanDeps,
): Promise<PlannedResource> {
  const cell = newCell(resource, clock.now());
  const refusal = refusals.get(resource.id);
  if (refusal) {
    say(cell, clock.now(), "blocked", refusal.code, refusal.args);
    return reportOf(cell, cut);
  }
  const { verdict } = await look(resource, { clock, context: () => context(resource, pass), signal });
  cell.verdict = verdict;
  const coded = "code" in verdict ? verdict : null;
  say(cell, clock.now(), verdict.kind === "drift" ? "drifted" : verdict.kind, coded?.code ?? null, coded?.args ?? {});
  const { downloadBytes, creates } = verdict.kind === "drift" ? verdict : {};
  return {
    ...reportOf(cell, cut),
    ...(downloadBytes !== undefined ? { downloadBytes } : {}),
    ...(creates !== undefined ? { creates } : {}),
  };
}

import { type NodePlan, type PlannedView, planRoute } from "@fettle/shared/api/plan.ts";
import { rollUp } from "@fettle/shared/api/words.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { type PlannedResource, planResult } from "@fettle/shared/protocol/plan.ts";
import type { Context } from "../context.ts";
import { declared } from "./apply.ts";
import { reads } from "./handler.ts";
import type { CompiledNode, StackView } from "./types.ts";
import { resourceView } from "./views/resource-view.ts";

export const plan = reads(planRoute, async ({ context, principal, body }) => {
  const spec = declared(body.text, principal);
  const [view, { nodes }] = await Promise.all([context.reconciler.read(spec.name), context.reconciler.preview(spec)]);
  const concerned = nodes.filter((node) => node.declared.length > 0 || view?.desired.has(node.node) === true);
  const plans = await Promise.all(concerned.map((node) => planNode(context, view, node)));
  const states = plans.flatMap(({ outcome, resources }) =>
    outcome === "answered" ? resources.map((resource) => resource.state) : ["unknown" as const],
  );
  return { stack: spec.name, revision: view?.revision ?? 0, mode: spec.mode, word: rollUp(states), nodes: plans };
});

/** Asks the node's agent; one that is not there or cannot say does not spoil the others' answers. */
async function planNode(context: Context, view: StackView | null, compiled: CompiledNode): Promise<NodePlan> {
  const { node } = compiled;
  const known = { node, changed: view?.desired.get(node)?.hash !== compiled.hash };
  if (!context.hub.connected(node)) return { ...known, outcome: "offline", resources: [], released: [] };
  try {
    const answer = await context.hub.ask(node, { kind: "plan", params: { roles: { ...compiled.roles } } });
    const planned = planResult.parse(answer).resources;
    const ids = new Set(planned.map((resource) => resource.id));
    const held = view?.views.get(node)?.report?.resources ?? [];
    const released = held.filter(({ id, state }) => state !== "released" && !ids.has(id)).map(({ id }) => id);
    return { ...known, outcome: "answered", resources: planned.map((each) => plannedView(node, each)), released };
  } catch (error) {
    return { ...known, outcome: "failed", resources: [], released: [], ...failure(error) };
  }
}

function failure(error: unknown): { code: string; text: string } {
  if (error instanceof FettleError) return { code: error.code, text: error.message };
  return { code: "link.bad-frame", text: messageOf(error) };
}

function plannedView(node: string, planned: PlannedResource): PlannedView {
  const { downloadBytes, creates } = planned;
  return {
    ...resourceView(node, planned, false),
    ...(downloadBytes === undefined ? {} : { downloadBytes }),
    ...(creates === undefined ? {} : { creates }),
  };
}

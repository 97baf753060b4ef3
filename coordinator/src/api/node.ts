import { nodeRoute } from "@fettle/shared/api/nodes.ts";
import { reads } from "./handler.ts";
import { NO_STATE, nodeView } from "./views/node-view.ts";
import { resourceViews } from "./views/resource-view.ts";
import { readStackOf } from "./which-stack.ts";

export const node = reads(nodeRoute, async ({ context, principal, params }) => {
  const view = await readStackOf(context, principal, params.node);
  const state = view.views.get(params.node) ?? NO_STATE;
  const known = view.facts.filter((fact) => fact.node === params.node);
  return {
    node: nodeView(view, params.node, context.hub.connection(params.node)?.seenAt ?? null),
    facts: Object.fromEntries(known.map((fact) => [fact.name, JSON.parse(fact.value)])),
    clockOffsetMs: view.rows.get(params.node)?.clockOffsetMs ?? null,
    health: state.report?.health ?? null,
    ports: state.report?.ports ?? [],
    pauses: state.report?.pauses ?? [],
    resources: resourceViews(params.node, state),
  };
});

import { resourceRoute } from "@fettle/shared/api/resources.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { reads } from "./handler.ts";
import { NO_STATE } from "./views/node-view.ts";
import { resourceViews } from "./views/resource-view.ts";
import { runView } from "./views/run-view.ts";
import { readStackOf } from "./which-stack.ts";

const RUNS = 5;

export const resource = reads(resourceRoute, async ({ context, principal, params: { node }, query: { id } }) => {
  const view = await readStackOf(context, principal, node);
  const found = resourceViews(node, view.views.get(node) ?? NO_STATE).find((each) => each.id === id);
  if (found === undefined) throw new FettleError("api.not-found", { what: `resource ${node}/${id}` });
  const gates = await context.store.gates.ofNode(node);
  const gate = gates.find((each) => each.resource === id);
  const runs = await context.store.runs.list({ node, resource: id, limit: RUNS });
  return {
    resource: found,
    gate: gate === undefined ? null : { fact: gate.fact, open: gate.openedAt !== null, shutSince: gate.shutSince },
    runs: runs.map(runView),
  };
});

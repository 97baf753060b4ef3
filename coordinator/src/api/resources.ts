import { resourcesRoute } from "@fettle/shared/api/resources.ts";
import { reads } from "./handler.ts";
import { resourceViews } from "./views/resource-view.ts";
import { readStack } from "./which-stack.ts";

export const resources = reads(resourcesRoute, async ({ context, principal, query }) => {
  const view = await readStack(context, principal, query.stack);
  const all = [...view.views].flatMap(([node, state]) => resourceViews(node, state));
  const wanted = all.filter(({ node, state }) => (query.node ?? node) === node && (query.state ?? state) === state);
  return { resources: wanted };
});

import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { reads } from "./handler.ts";
import { nodeView } from "./views/node-view.ts";
import { readStack } from "./which-stack.ts";

export const nodes = reads(nodesRoute, async ({ context, principal, query }) => {
  const view = await readStack(context, principal, query.stack);
  const seenAt = (node: string) => context.hub.connection(node)?.seenAt ?? null;
  return { nodes: [...view.rows.keys()].sort().map((node) => nodeView(view, node, seenAt(node))) };
});

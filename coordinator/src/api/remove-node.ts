import { removeNodeRoute } from "@fettle/shared/api/nodes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { steers } from "./handler.ts";
import { maySee } from "./principal.ts";

/** Takes the machine's trust away and forgets it. What Fettle made on it stays there. */
export const removeNode = steers(
  removeNodeRoute,
  ({ params }, { stack }) => ({ stack, what: `node remove ${params.node}` }),
  async ({ context, principal, params: { node } }) => {
    const row = await context.store.nodes.get(node);
    if (row === undefined || !maySee(principal, row.stack))
      throw new FettleError("api.not-found", { what: `node ${node}` });
    const view = await context.reconciler.read(row.stack);
    const declared = view !== null && Object.hasOwn(view.spec.nodes, node);
    await context.pki.revoke(node);
    context.hub.cut(node, "link.removed");
    await context.store.write(async (queries) => {
      await queries.nodes.remove(node);
      if (declared) await queries.nodes.declare({ node, stack: row.stack, address: row.address, roles: row.roles });
    });
    await context.events.record({
      stack: row.stack,
      kind: "node.removed",
      node,
      text: `${node} was removed by ${principal.who}.`,
    });
    context.reconciler.touchAll(row.stack);
    return { stack: row.stack, node, declared };
  },
);

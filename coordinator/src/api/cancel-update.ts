import { cancelUpdateRoute } from "@fettle/shared/api/update.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { steers } from "./handler.ts";
import { updateViewOf } from "./views/update-view.ts";
import { readStack } from "./which-stack.ts";

export const cancelUpdate = steers(
  cancelUpdateRoute,
  (_, { stack, version }) => ({ stack, what: `update --cancel (${version})` }),
  async ({ context, principal, query }) => {
    const { stack, update } = await readStack(context, principal, query.stack);
    if (update === null || update.row.cancelledAt !== null) throw new FettleError("update.none");
    await context.store.updates.cancel(update.row.token, context.clock.now());
    const text = `The update to ${update.row.version} was cancelled by ${principal.who}.`;
    await context.events.record({ stack, kind: "update.cancelled", text });
    context.reconciler.touchAll(stack);
    return must(updateViewOf(await readStack(context, principal, stack)), "the update that was just cancelled");
  },
);

import { statusRoute } from "@fettle/shared/api/status.ts";
import { reads } from "./handler.ts";
import { caItems } from "./views/ca-items.ts";
import { statusView } from "./views/status-view.ts";
import { readStack } from "./which-stack.ts";

export const status = reads(statusRoute, async ({ context, principal, query }) => {
  const view = await readStack(context, principal, query.stack);
  const pauses = await context.store.pauses.ofStack(view.stack, view.at);
  const shown = pauses.map(({ scope, reason, by, at, until }) => ({ scope, reason, by, at, until }));
  const own = caItems(context.pki.authorities.active, view.at);
  return statusView(view, shown, own, (node) => context.hub.connection(node)?.seenAt ?? null);
});

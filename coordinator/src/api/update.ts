import { updateRoute } from "@fettle/shared/api/update.ts";
import { reads } from "./handler.ts";
import { updateViewOf } from "./views/update-view.ts";
import { readStack } from "./which-stack.ts";

export const update = reads(updateRoute, async ({ context, principal, query }) => {
  const view = await readStack(context, principal, query.stack);
  const versions = (await context.releases()).map(({ manifest }) => manifest.version);
  return { update: updateViewOf(view), versions: [...new Set(versions)] };
});

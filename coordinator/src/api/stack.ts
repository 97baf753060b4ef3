import { stackRoute } from "@fettle/shared/api/apply.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { reads } from "./handler.ts";
import { whichStack } from "./which-stack.ts";

export const stack = reads(stackRoute, async ({ context, principal, query }) => {
  const row = await context.store.stacks.get(await whichStack(context, principal, query.stack));
  if (row === undefined) throw new FettleError("stack.absent");
  return { stack: row.stack, revision: row.revision, appliedAt: row.updatedAt, text: row.source };
});

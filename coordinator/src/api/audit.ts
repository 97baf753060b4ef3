import { auditRoute } from "@fettle/shared/api/audit.ts";
import { reads } from "./handler.ts";
import { whichStack } from "./which-stack.ts";

export const audit = reads(auditRoute, async ({ context, principal, query }) => {
  const stack = await whichStack(context, principal, query.stack);
  const rows = await context.store.audit.list({ stack, limit: query.limit });
  return { audit: rows.map(({ id, at, node, who, what }) => ({ id, at, node, who, what })) };
});

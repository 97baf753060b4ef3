import { type EventView, eventsRoute } from "@fettle/shared/api/events.ts";
import { reads } from "./handler.ts";
import type { EventRow } from "./types.ts";
import { whichStack } from "./which-stack.ts";

export const events = reads(eventsRoute, async ({ context, principal, query }) => {
  const stack = await whichStack(context, principal, query.stack);
  const { node, resource, after, limit } = query;
  const rows = await context.store.events.list({
    stack,
    limit,
    ...(node === undefined ? {} : { node }),
    ...(resource === undefined ? {} : { resource }),
    ...(after === undefined ? {} : { after }),
  });
  const shown = rows.map(eventView);
  return { events: after === undefined ? shown.reverse() : shown };
});

export function eventView({ id, at, kind, severity, node, resource, code, text }: EventRow): EventView {
  return { id, at, kind, severity, node, resource, code, text };
}

import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { limit, stackQuery } from "./fields.ts";
import { severity } from "./resources.ts";
import type { RouteContract } from "./route.ts";

export const eventView = z.object({
  /** Sorts by time; the cursor for `after`. */
  id: z.string(),
  at: z.number(),
  kind: z.string(),
  severity,
  node: z.string().nullable(),
  resource: z.string().nullable(),
  code: z.string().nullable(),
  text: z.string(),
});
export type EventView = z.infer<typeof eventView>;

const filter = stackQuery.extend({
  node: nodeName.optional(),
  resource: z.string().max(255).optional(),
  /** Only events after this id. */
  after: z.string().max(64).optional(),
});

/** Oldest first; without `after` the newest `limit`. */
export const eventsRoute = {
  name: "events",
  method: "GET",
  path: "/v1/events",
  role: "viewer",
  query: filter.extend({ limit }),
  answer: z.object({ events: z.array(eventView) }),
} as const satisfies RouteContract;

/** Each event as it happens, from `after` on where that is given. */
export const eventStreamRoute = {
  name: "event",
  method: "GET",
  path: "/v1/events/stream",
  role: "viewer",
  query: filter,
  answer: eventView,
  stream: true,
} as const satisfies RouteContract;

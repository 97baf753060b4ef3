import * as z from "zod";
import { limit, stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

export const auditView = z.object({
  id: z.string(),
  at: z.number(),
  /** The machine where it was asked; null at the coordinator. */
  node: z.string().nullable(),
  who: z.string(),
  what: z.string(),
});

/** Who asked for what, newest first. */
export const auditRoute = {
  name: "audit",
  method: "GET",
  path: "/v1/audit",
  role: "admin",
  query: stackQuery.extend({ limit }),
  answer: z.object({ audit: z.array(auditView) }),
} as const satisfies RouteContract;

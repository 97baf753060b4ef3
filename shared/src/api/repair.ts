import * as z from "zod";
import { nodeName, resourceId } from "../protocol/names.ts";
import { stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

/** Resets backoff and contention and looks at once: of everything, of a node, or of one resource. */
export const repairRoute = {
  name: "repair",
  method: "POST",
  path: "/v1/repair",
  role: "operator",
  query: stackQuery,
  body: z.strictObject({ node: nodeName.optional(), resource: resourceId.optional() }),
  answer: z.object({ stack: z.string(), resources: z.array(z.string()) }),
} as const satisfies RouteContract;

/** A person's one-time yes to what a blocked resource waits for, at its present declaration. */
export const approveRoute = {
  name: "approve",
  method: "POST",
  path: "/v1/approve",
  role: "operator",
  body: z.strictObject({ node: nodeName, resource: resourceId }),
  answer: z.object({ stack: z.string(), where: z.string(), code: z.string() }),
} as const satisfies RouteContract;

import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { stackText } from "./apply.ts";
import { stackQuery } from "./fields.ts";
import { resourceView } from "./resources.ts";
import type { RouteContract } from "./route.ts";
import { word } from "./words.ts";

export const plannedView = resourceView.extend({
  /** Bytes; null when that is not known before it starts. */
  downloadBytes: z.number().nullable().optional(),
  creates: z.string().optional(),
});
export type PlannedView = z.infer<typeof plannedView>;

const nodePlan = z.object({
  node: nodeName,
  /** `answered` by its agent; `offline`: nobody was there to ask; `failed`: it could not say. */
  outcome: z.enum(["answered", "offline", "failed"]),
  code: z.string().optional(),
  text: z.string().optional(),
  /** The parameters differ from those in force. */
  changed: z.boolean(),
  resources: z.array(plannedView),
  /** Looked after now, and no more then. */
  released: z.array(z.string()),
});
export type NodePlan = z.infer<typeof nodePlan>;

/** What this file would change, asked of every agent that is connected. Changes nothing. */
export const planRoute = {
  name: "plan",
  method: "POST",
  path: "/v1/plan",
  role: "operator",
  body: z.strictObject({ text: stackText }),
  answer: z.object({
    stack: z.string(),
    /** 0 for a stack that is not there yet. */
    revision: z.number(),
    /** `observe`: applied, it would still change nothing. */
    mode: z.enum(["observe", "enforce"]),
    word,
    nodes: z.array(nodePlan),
  }),
} as const satisfies RouteContract;

const nodeDiff = z.object({
  node: nodeName,
  generation: z.object({ desired: z.number(), reported: z.number() }),
  behind: z.boolean(),
  stale: z.boolean(),
  /** Without those in sync. */
  resources: z.array(resourceView),
});

/** The stored desired state against the last reports; asks nobody. */
export const diffRoute = {
  name: "diff",
  method: "GET",
  path: "/v1/diff",
  role: "viewer",
  query: stackQuery,
  answer: z.object({ stack: z.string(), revision: z.number(), word, nodes: z.array(nodeDiff) }),
} as const satisfies RouteContract;

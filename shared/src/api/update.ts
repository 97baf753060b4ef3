import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { RELEASE_VERSION } from "../release/manifest.ts";
import { stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

export const UPDATE_STEPS = ["done", "updating", "waiting", "queued", "offline", "failed", "halted"] as const;

export const updateStep = z.object({
  node: nodeName,
  /** What its agent runs, as last said; null before the first time. */
  version: z.string().nullable(),
  state: z.enum(UPDATE_STEPS),
  code: z.string().optional(),
  text: z.string().optional(),
  remedy: z.string().optional(),
});
export type UpdateStep = z.infer<typeof updateStep>;

/** An update of a stack's agents: one node first, then the rest one at a time, in the order given here. */
export const updateView = z.object({
  stack: z.string(),
  version: z.string(),
  by: z.string(),
  at: z.number(),
  cancelledAt: z.number().nullable(),
  steps: z.array(updateStep),
  /** The nodes that are at it now. */
  now: z.array(nodeName),
  /** Where it has stopped; null while nothing failed. */
  halted: nodeName.nullable(),
  finished: z.boolean(),
});
export type UpdateView = z.infer<typeof updateView>;

const version = z.string().regex(RELEASE_VERSION, { error: "a version as in 1.2.3" });

/** The newest release that the coordinator has when none is named, and every node when none is. */
export const startUpdateRoute = {
  name: "update",
  method: "POST",
  path: "/v1/update",
  role: "operator",
  query: stackQuery,
  body: z.strictObject({ version: version.optional(), nodes: z.array(nodeName).max(500).optional() }),
  answer: updateView,
} as const satisfies RouteContract;

export const updateRoute = {
  name: "update",
  method: "GET",
  path: "/v1/update",
  role: "viewer",
  query: stackQuery,
  /** null: none was ever asked for. `versions`: the releases that the coordinator has, newest first. */
  answer: z.object({ update: updateView.nullable(), versions: z.array(z.string()) }),
} as const satisfies RouteContract;

/** What has begun goes on to its end; nobody else begins. */
export const cancelUpdateRoute = {
  name: "update",
  method: "POST",
  path: "/v1/update/cancel",
  role: "operator",
  query: stackQuery,
  answer: updateView,
} as const satisfies RouteContract;

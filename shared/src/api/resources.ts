import * as z from "zod";
import { SEVERITIES } from "../codes/code.ts";
import { nodeName } from "../protocol/names.ts";
import { change, progress, resourceState } from "../protocol/resource-report.ts";
import { stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";
import { runView } from "./runs.ts";

export const severity = z.enum(SEVERITIES);

/** Something worth saying, rendered. */
export const note = z.object({ code: z.string(), severity, text: z.string(), remedy: z.string() });
export type Note = z.infer<typeof note>;

/** One resource on one node as the coordinator knows it. What a stale node reported is `unknown`. */
export const resourceView = z.object({
  node: nodeName,
  id: z.string(),
  state: resourceState,
  /** What its node last said, where that counts no more. */
  lastState: resourceState.optional(),
  code: z.string().optional(),
  severity: severity.optional(),
  text: z.string().optional(),
  remedy: z.string().optional(),
  since: z.number(),
  hash: z.string(),
  changes: z.array(change),
  findings: z.array(note),
  progress: progress.optional(),
  disturbs: z.enum(["none", "service"]).optional(),
});
export type ResourceView = z.infer<typeof resourceView>;

export const resourcesRoute = {
  name: "resources",
  method: "GET",
  path: "/v1/resources",
  role: "viewer",
  query: stackQuery.extend({ node: nodeName.optional(), state: resourceState.optional() }),
  answer: z.object({ resources: z.array(resourceView) }),
} as const satisfies RouteContract;

export const resourceRoute = {
  name: "resource",
  method: "GET",
  path: "/v1/nodes/:node/resource",
  role: "viewer",
  params: z.object({ node: nodeName }),
  query: z.object({ id: z.string().max(255) }),
  answer: z.object({
    resource: resourceView,
    gate: z.object({ fact: z.string(), open: z.boolean(), shutSince: z.number() }).nullable(),
    runs: z.array(runView),
  }),
} as const satisfies RouteContract;

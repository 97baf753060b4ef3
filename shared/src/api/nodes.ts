import * as z from "zod";
import { facts } from "../protocol/facts.ts";
import { health, healthState, portProbe } from "../protocol/health.ts";
import { nodeName } from "../protocol/names.ts";
import { localPause } from "../protocol/report.ts";
import { stackQuery } from "./fields.ts";
import { note, resourceView } from "./resources.ts";
import type { RouteContract } from "./route.ts";
import { UPDATE_STEPS } from "./update.ts";
import { connection, word } from "./words.ts";

export const nodeView = z.object({
  node: nodeName,
  roles: z.array(z.string()),
  address: z.string().nullable(),
  connection,
  /** When it was last heard of; null before the first time. */
  seenAt: z.number().nullable(),
  version: z.string().nullable(),
  /** Its agent was built without a release key; null when it does not say. */
  dev: z.boolean().nullable(),
  /** Its part of the update that was last asked for; null when it has none. */
  update: z.object({ version: z.string(), state: z.enum(UPDATE_STEPS) }).nullable(),
  health: healthState,
  word,
  generation: z.object({ desired: z.number(), reported: z.number() }),
  behind: z.boolean(),
  stale: z.boolean(),
  findings: z.array(note),
});
export type NodeView = z.infer<typeof nodeView>;

export const nodesRoute = {
  name: "nodes",
  method: "GET",
  path: "/v1/nodes",
  role: "viewer",
  query: stackQuery,
  answer: z.object({ nodes: z.array(nodeView) }),
} as const satisfies RouteContract;

export const nodeRoute = {
  name: "node",
  method: "GET",
  path: "/v1/nodes/:node",
  role: "viewer",
  params: z.object({ node: nodeName }),
  answer: z.object({
    node: nodeView,
    facts,
    clockOffsetMs: z.number().nullable(),
    health: health.nullable(),
    ports: z.array(portProbe),
    pauses: z.array(localPause),
    resources: z.array(resourceView),
  }),
} as const satisfies RouteContract;

export const removeNodeRoute = {
  name: "node-removed",
  method: "DELETE",
  path: "/v1/nodes/:node",
  role: "admin",
  params: z.object({ node: nodeName }),
  /** `declared`: the stack still names it, so it is now a node that was never seen. */
  answer: z.object({ stack: z.string(), node: nodeName, declared: z.boolean() }),
} as const satisfies RouteContract;

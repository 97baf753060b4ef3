import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { change } from "../protocol/resource-report.ts";
import { CAUSES, OUTCOMES } from "../protocol/run-record.ts";
import { limit, stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

/** One apply of one resource. */
export const runView = z.object({
  id: z.string(),
  node: nodeName,
  resource: z.string(),
  cause: z.enum(CAUSES),
  phase: z.string(),
  outcome: z.enum(OUTCOMES).nullable(),
  code: z.string().nullable(),
  text: z.string().nullable(),
  changes: z.array(change),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
});
export type RunView = z.infer<typeof runView>;

export const runsRoute = {
  name: "runs",
  method: "GET",
  path: "/v1/runs",
  role: "viewer",
  query: stackQuery.extend({ node: nodeName.optional(), resource: z.string().max(255).optional(), limit }),
  answer: z.object({ runs: z.array(runView) }),
} as const satisfies RouteContract;

export const runRoute = {
  name: "run",
  method: "GET",
  path: "/v1/runs/:id",
  role: "viewer",
  params: z.object({ id: z.uuid() }),
  answer: z.object({ run: runView }),
} as const satisfies RouteContract;

/** The run's output after `after` (-1: from the start). Ask again until `done` and nothing came. */
export const runLogRoute = {
  name: "run-log",
  method: "GET",
  path: "/v1/runs/:id/log",
  role: "viewer",
  params: z.object({ id: z.uuid() }),
  query: z.object({ after: z.coerce.number().int().min(-1).default(-1), limit }),
  answer: z.object({
    chunks: z.array(z.object({ seq: z.number(), at: z.number(), data: z.string() })),
    done: z.boolean(),
  }),
} as const satisfies RouteContract;

import * as z from "zod";
import { nodeName } from "../protocol/names.ts";
import { stackQuery } from "./fields.ts";
import { nodeView } from "./nodes.ts";
import { pauseView } from "./pause.ts";
import { severity } from "./resources.ts";
import type { RouteContract } from "./route.ts";
import { word } from "./words.ts";

/** Something to say about one place, `NODE` or `NODE/ID`. */
export const statusItem = z.object({
  where: z.string(),
  state: z.string(),
  code: z.string().optional(),
  severity,
  text: z.string(),
  remedy: z.string().optional(),
  since: z.number().nullable(),
});
export type StatusItem = z.infer<typeof statusItem>;

/** One hop of user -> GitLab -> gateway -> model server. */
export const hop = z.object({
  role: z.string(),
  node: nodeName,
  /** Whether requests get to it and are served, as far as is known. */
  state: z.enum(["ok", "broken", "unknown"]),
  text: z.string().optional(),
});
export type Hop = z.infer<typeof hop>;

export const statusRoute = {
  name: "status",
  method: "GET",
  path: "/v1/status",
  role: "viewer",
  query: stackQuery,
  answer: z.object({
    stack: z.string(),
    revision: z.number(),
    environment: z.enum(["evaluation", "production"]),
    mode: z.enum(["observe", "enforce"]),
    at: z.number(),
    word,
    /** What only a person can do, the worst first. */
    people: z.array(statusItem),
    /** What Fettle is changing or is about to. */
    changing: z.array(statusItem),
    /** Everything else that is not in sync, and what is worth knowing. */
    rest: z.array(statusItem),
    counts: z.partialRecord(word, z.number()),
    chain: z.array(hop),
    nodes: z.array(nodeView),
    pauses: z.array(pauseView),
  }),
} as const satisfies RouteContract;
export type Status = z.infer<typeof statusRoute.answer>;

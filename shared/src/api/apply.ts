import * as z from "zod";
import { MAX_STACK_BYTES } from "../stack/document.ts";
import { stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

export const stackText = z.string().max(MAX_STACK_BYTES);

/** One thing wrong with a stack file; the details of `stack.invalid`. */
export const problem = z.object({
  code: z.string(),
  line: z.number(),
  column: z.number(),
  path: z.string(),
  found: z.string(),
  allowed: z.string(),
  message: z.string(),
});

export const applyRoute = {
  name: "apply",
  method: "POST",
  path: "/v1/apply",
  role: "operator",
  /** `basedOn`: the revision that the change was made on; 0 for a stack that is not there yet. */
  body: z.strictObject({ text: stackText, basedOn: z.number().int().nonnegative() }),
  answer: z.object({
    stack: z.string(),
    revision: z.number(),
    /** False when the stack says what it said before: nothing was written. */
    changed: z.boolean(),
    /** Nodes that have never enrolled. */
    neverSeen: z.array(z.string()),
    /** Nodes that the stack names no more: what they had is released, nothing is deleted. */
    released: z.array(z.string()),
  }),
} as const satisfies RouteContract;

/** The stack as last applied. */
export const stackRoute = {
  name: "stack",
  method: "GET",
  path: "/v1/stack",
  role: "viewer",
  query: stackQuery,
  answer: z.object({
    stack: z.string(),
    revision: z.number(),
    appliedAt: z.number(),
    text: z.string(),
  }),
} as const satisfies RouteContract;

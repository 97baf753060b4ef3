import * as z from "zod";
import { stackQuery } from "./fields.ts";
import type { RouteContract } from "./route.ts";

/** `stack`, `NODE`, `NODE/ROLE` or `NODE/ID`. */
export const scope = z.string().min(1).max(255);

export const pauseView = z.object({
  scope: z.string(),
  reason: z.string(),
  by: z.string(),
  at: z.number(),
  /** null: until resumed. */
  until: z.number().nullable(),
});
export type PauseView = z.infer<typeof pauseView>;

export const pauseRoute = {
  name: "pause",
  method: "POST",
  path: "/v1/pause",
  role: "operator",
  query: stackQuery,
  body: z.strictObject({
    scope,
    reason: z.string().min(1).max(500),
    /** How long, in ms; absent: until resumed. */
    forMs: z
      .number()
      .int()
      .positive()
      .max(366 * 86_400_000)
      .optional(),
  }),
  answer: z.object({ stack: z.string(), pause: pauseView }),
} as const satisfies RouteContract;

export const resumeRoute = {
  name: "resume",
  method: "POST",
  path: "/v1/resume",
  role: "operator",
  query: stackQuery,
  body: z.strictObject({ scope }),
  answer: z.object({ stack: z.string(), scope: z.string() }),
} as const satisfies RouteContract;

import * as z from "zod";

export const MAX_LOG_CHUNK = 64 * 1024;

/** A piece of a run's terminal output; ANSI and secrets are already cut out. */
export const log = z.object({
  runId: z.uuid(),
  seq: z.number().int().nonnegative(),
  at: z.number(),
  data: z.string().max(MAX_LOG_CHUNK),
});
export type Log = z.infer<typeof log>;

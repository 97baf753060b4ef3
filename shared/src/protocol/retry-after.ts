import * as z from "zod";

/** Come back in this many ms; the coordinator closes after it. */
export const retryAfter = z.object({ ms: z.number().int().positive().max(3_600_000) });
export type RetryAfter = z.infer<typeof retryAfter>;

import * as z from "zod";

/** The body of every answer that is not 2xx. */
export const errorAnswer = z.object({
  error: z.object({
    /** A code of the catalogue. */
    code: z.string().max(80),
    message: z.string(),
    remedy: z.string(),
    /** True when the same request can succeed later without anybody doing anything. */
    retryable: z.boolean(),
    /** More about it, as in the problems of a stack file. */
    details: z.unknown().optional(),
  }),
});
export type ErrorAnswer = z.infer<typeof errorAnswer>;

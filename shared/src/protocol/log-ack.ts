import * as z from "zod";

/** Every chunk of this run up to and including `seq` is committed. */
export const logAck = z.object({ runId: z.uuid(), seq: z.number().int().nonnegative() });
export type LogAck = z.infer<typeof logAck>;

import * as z from "zod";

/** Numbers by name, as in `disk./.freeBytes`; every 15 s, lossy. */
export const metrics = z.object({ at: z.number(), values: z.record(z.string().max(120), z.number()) });
export type Metrics = z.infer<typeof metrics>;

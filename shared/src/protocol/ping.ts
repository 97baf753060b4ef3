import * as z from "zod";

export const ping = z.object({ at: z.number() });
export type Ping = z.infer<typeof ping>;

import * as z from "zod";

/** These runs and audit records are committed at the coordinator. */
export const ack = z.object({ ids: z.array(z.uuid()).max(200) });
export type Ack = z.infer<typeof ack>;

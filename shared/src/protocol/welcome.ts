import * as z from "zod";

/** The coordinator's answer to hello. */
export const welcome = z.object({
  epoch: z.number().int().nonnegative(),
  incarnation: z.string().max(64),
  pingMs: z.number().int().positive(),
  wallMs: z.number(),
  /** The stack this node belongs to. */
  stack: z.string().max(63),
  /** The coordinator's protocol; absent is 1. */
  protocol: z.number().int().optional(),
});
export type Welcome = z.infer<typeof welcome>;

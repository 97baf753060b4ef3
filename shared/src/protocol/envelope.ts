import * as z from "zod";

/** What every frame is wrapped in. An unknown type is ignored and counted; an unknown field is dropped. */
export const envelope = z.object({
  /** The sender's protocol. Any is read as far as it is understood; hello and welcome say how far apart two may be. */
  v: z.number().int().nonnegative(),
  type: z.string().max(40),
  /** Chosen by the sender, unique on its connection; an answer or acknowledgement names it. */
  id: z.string().max(64),
  body: z.unknown(),
});
export type Envelope = z.infer<typeof envelope>;

/** Limits that both sides hold for one frame. */
export const MAX_FRAME_BYTES = 1024 * 1024;
export const MAX_DEPTH = 12;
export const PING_MS = 20_000;
/** A node is stale when no frame of any kind came for this long. */
export const STALE_MS = 3 * PING_MS;

import * as z from "zod";
import { nodeName } from "../protocol/names.ts";

/** A peer's port that this node's role uses; only these are ever probed. */
export const probeTarget = z.strictObject({
  peer: nodeName,
  host: z.string().max(255),
  port: z.number().int().min(1).max(65535),
  service: z.enum(["gateway", "platform", "gitlab", "ollama"]),
});
export type ProbeTarget = z.infer<typeof probeTarget>;

import * as z from "zod";

/** What the agent knows of its machine; a fact that becomes unknown is left out, and the coordinator keeps the last. */
export const facts = z.object({
  hostname: z.string().max(255).optional(),
  os: z.string().max(120).optional(),
  kernel: z.string().max(120).optional(),
  arch: z.enum(["x64", "arm64"]).optional(),
  addresses: z.array(z.string().max(64)).max(64).optional(),
  cores: z.number().int().optional(),
  memoryBytes: z.number().optional(),
  /** GitLab's version as it says it, as in "18.8.2-ee". */
  gitlabVersion: z.string().max(40).optional(),
  ollamaVersion: z.string().max(40).optional(),
  /** The gateway's reference and digest, once resolved. */
  gatewayImage: z.string().max(300).optional(),
  gatewayDigest: z.string().max(80).optional(),
  /** Clock difference to the coordinator in ms, positive when this machine is ahead; set by the coordinator's welcome. */
  clockOffsetMs: z.number().optional(),
});
export type Facts = z.infer<typeof facts>;

import * as z from "zod";
import { mirrorItem } from "../mirror/item.ts";
import { signedManifest } from "../release/manifest.ts";
import { code, text } from "./names.ts";

/** What the agent itself is to be; beside the desired state of its machine and in no hash. */
export const agentWanted = z.object({
  /** The release to run, for this machine's architecture; null leaves it as it is. */
  release: signedManifest.nullable(),
  /** A new one asks again for a release that failed or was rolled back. */
  token: z.string().max(64),
  /** The roots (PEM) that count from now on; empty leaves them as they are. */
  roots: z.array(z.string().max(4096)).max(4),
  /** Ask for a new certificate now: the one that is held comes from a root that is to be dropped. */
  renew: z.boolean(),
  /** What the coordinator serves in place of the internet. */
  mirror: z.array(mirrorItem).max(200),
  /** Change nothing whatever the policy says, and why; null is the usual case. */
  frozen: z.object({ code, reason: text }).nullable(),
});
export type AgentWanted = z.infer<typeof agentWanted>;

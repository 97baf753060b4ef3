import * as z from "zod";
import { agentStatus } from "./agent-status.ts";
import { facts } from "./facts.ts";
import { health, portProbe } from "./health.ts";
import { code, hash } from "./names.ts";
import { resourceReport } from "./resource-report.ts";

/** Which desired state the agent holds, and whether it took the last one it was sent. */
export const desiredStatus = z.object({
  epoch: z.number().int(),
  generation: z.number().int(),
  hash,
  state: z.enum(["accepted", "rejected"]),
  code: code.optional(),
  reason: z.string().max(2000).optional(),
});
export type DesiredStatus = z.infer<typeof desiredStatus>;

export const localPause = z.object({
  scope: z.string().max(255),
  reason: z.string().max(500),
  until: z.number().nullable(),
  at: z.number(),
});
export type LocalPause = z.infer<typeof localPause>;

/** A whole snapshot of one node; at most 256 KiB, sent on change, at most one a second. */
export const report = z.object({
  desired: desiredStatus.nullable(),
  facts,
  resources: z.array(resourceReport).max(500),
  health: health.nullable(),
  ports: z.array(portProbe).max(100),
  pauses: z.array(localPause).max(100),
  agent: agentStatus.optional(),
});
export type Report = z.infer<typeof report>;
export const MAX_REPORT_BYTES = 256 * 1024;

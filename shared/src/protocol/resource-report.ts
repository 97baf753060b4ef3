import * as z from "zod";
import { code, hash, resourceId, text, wallMs } from "./names.ts";

export const RESOURCE_STATES = [
  "in-sync",
  "drifted",
  "repairing",
  "waiting",
  "blocked",
  "contended",
  "paused",
  "failed",
  "unknown",
  "released",
] as const;
export const resourceState = z.enum(RESOURCE_STATES);
export type ResourceState = z.infer<typeof resourceState>;

/** One difference between declared and found; values are printable and never secret. `null` is absent. */
export const change = z.object({ what: z.string().max(200), from: text.nullable(), to: text.nullable() });
export type Change = z.infer<typeof change>;

/** Something worth saying that blocks nothing. Its severity is the code's. */
export const finding = z.object({ code, args: z.record(z.string().max(40), z.union([text, z.number()])) });
export type Finding = z.infer<typeof finding>;

export const progress = z.object({
  text,
  doneBytes: z.number().nonnegative().optional(),
  totalBytes: z.number().nonnegative().optional(),
  bytesPerSecond: z.number().nonnegative().optional(),
  secondsLeft: z.number().nonnegative().optional(),
});
export type Progress = z.infer<typeof progress>;

/** How one resource stands on one node. `since` is when `state` or `code` last changed. */
export const resourceReport = z.object({
  id: resourceId,
  hash,
  state: resourceState,
  code: code.optional(),
  reason: text.optional(),
  /** The values of the code's `{names}`, so that its remedy can be shown whole; cut like `reason`. */
  args: z.record(z.string().max(40), z.union([text, z.number()])).optional(),
  since: wallMs,
  /** When it was last looked at, for kinds with a pace of their own (GitLab's answers). */
  checkedAt: wallMs.optional(),
  changes: z.array(change).max(50),
  findings: z.array(finding).max(50),
  progress: progress.optional(),
  /** What a repair would disturb, when there is something to repair. */
  disturbs: z.enum(["none", "service"]).optional(),
});
export type ResourceReport = z.infer<typeof resourceReport>;

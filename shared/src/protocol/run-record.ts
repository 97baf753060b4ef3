import * as z from "zod";
import { code, hash, resourceId, text, wallMs } from "./names.ts";
import { change } from "./resource-report.ts";

export const CAUSES = ["event", "sweep", "desired", "retry", "operator"] as const;
export const cause = z.enum(CAUSES);
export type Cause = z.infer<typeof cause>;

export const OUTCOMES = ["repaired", "failed", "aborted", "interrupted"] as const;

/** One apply of one resource, as journalled by the agent; the coordinator keeps it under its id. */
export const runRecord = z.object({
  id: z.uuid(),
  passId: z.uuid(),
  epoch: z.number().int(),
  generation: z.number().int(),
  resource: resourceId,
  resourceHash: hash,
  cause,
  changes: z.array(change).max(50),
  phase: z.enum(["intended", "applying", "checking", "done"]),
  outcome: z.enum(OUTCOMES).nullable(),
  code: code.nullable(),
  reason: text.nullable(),
  startedAt: wallMs,
  endedAt: wallMs.nullable(),
});
export type RunRecord = z.infer<typeof runRecord>;

/** Something done on the machine by a person (pause, resume, adopt …). */
export const auditRecord = z.object({ id: z.uuid(), at: wallMs, who: z.string().max(120), what: text });
export type AuditRecord = z.infer<typeof auditRecord>;

import * as z from "zod";
import { auditRecord, runRecord } from "./run-record.ts";

/** Sent until acknowledged; a repeat is harmless because of the ids. */
export const records = z.object({ runs: z.array(runRecord).max(100), audit: z.array(auditRecord).max(100) });
export type Records = z.infer<typeof records>;

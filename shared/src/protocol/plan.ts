import * as z from "zod";
import { resourceReport } from "./resource-report.ts";

/** What an apply would do on one node: every resource with its changes, what it restarts and downloads. */
export const plannedResource = resourceReport.extend({
  /** Bytes it would download; null when that is not known before it starts. */
  downloadBytes: z.number().nullable().optional(),
  creates: z.string().max(300).optional(),
});
export type PlannedResource = z.infer<typeof plannedResource>;

export const planResult = z.object({ resources: z.array(plannedResource).max(500) });
export type PlanResult = z.infer<typeof planResult>;

import { planResult } from "@fettle/shared/protocol/plan.ts";
import { report } from "@fettle/shared/protocol/report.ts";
import { resourceReport } from "@fettle/shared/protocol/resource-report.ts";
import { runRecord } from "@fettle/shared/protocol/run-record.ts";
import * as z from "zod";

/** What the agent answers to the commands on its machine; the programs may be of different versions for a moment. */
export const localStatus = z.object({
  version: z.string(),
  /** null before the enrolment. */
  node: z.string().nullable(),
  stack: z.string().nullable(),
  /** null before the first desired state. */
  mode: z.enum(["observe", "enforce"]).nullable(),
  link: z.object({
    state: z.enum(["connected", "connecting", "waiting"]),
    coordinator: z.string().nullable(),
    since: z.number(),
    heardAt: z.number().nullable(),
    problem: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).nullable(),
  }),
  report,
});
export type LocalStatus = z.infer<typeof localStatus>;

export const localWhy = z.object({
  resource: resourceReport,
  /** What a person does next, with the arguments filled in; null when there is nothing to do. */
  remedy: z.string().nullable(),
  /** Ids of resources that it comes after. */
  after: z.array(z.string()),
  /** Its newest runs, newest first. */
  runs: z.array(runRecord).max(20),
});
export type LocalWhy = z.infer<typeof localWhy>;

export const localPolicyView = z.object({
  /** The file that the rules come from. */
  path: z.string(),
  /** The section `policy` with its defaults. */
  policy: z.record(z.string(), z.unknown()),
  /** What was allowed at its first use. */
  pins: z.record(z.string(), z.array(z.string())),
  /** Resource id -> the refusal in words. */
  refusals: z.record(z.string(), z.object({ code: z.string(), message: z.string(), remedy: z.string() })),
});
export type LocalPolicyView = z.infer<typeof localPolicyView>;

export const localPlan = planResult;
export const localUpdate = z.object({ from: z.string(), version: z.string() });
export const localDone = z.object({ done: z.boolean() });

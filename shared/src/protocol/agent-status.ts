import * as z from "zod";
import { code, hash, text, wallMs } from "./names.ts";

/**
 * waiting: not now, and why; it goes on by itself. trial: the new version runs and has yet to prove itself. rolled-back:
 * it did not, and the one before runs again. refused: this agent does not take that release. failed: it was not reached.
 */
export const UPDATE_STATES = [
  "waiting",
  "fetching",
  "switching",
  "trial",
  "done",
  "rolled-back",
  "refused",
  "failed",
] as const;
export type UpdateState = (typeof UPDATE_STATES)[number];

/** The last update that this agent was asked for. */
export const updateStatus = z.object({
  version: z.string().max(40),
  from: z.string().max(40),
  state: z.enum(UPDATE_STATES),
  at: wallMs,
  /** The request that it answers, as in `desired.agent.token`. */
  token: z.string().max(64),
  code: code.optional(),
  reason: text.optional(),
});
export type UpdateStatus = z.infer<typeof updateStatus>;

/** What the agent says of itself, beside what it says of its machine. */
export const agentStatus = z.object({
  version: z.string().max(40),
  /** Built without a release key. */
  dev: z.boolean(),
  update: updateStatus.nullable(),
  /** Hash of each root's SPKI that it trusts. */
  trusts: z.array(hash).max(8),
  /** Wall-clock ms of its certificate's end; null before the enrolment. */
  certificateExpiresAt: z.number().nullable(),
  /** Hash of the SPKI of the root that its certificate comes from. */
  issuedUnder: hash.optional(),
  /** Why it changes nothing by its own decision; null when it does what it is told. */
  observing: z.object({ code, reason: text }).nullable(),
});
export type AgentStatus = z.infer<typeof agentStatus>;

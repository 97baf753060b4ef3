import * as z from "zod";
import { agentWanted } from "./agent-wanted.ts";
import { hash, resourceId, text } from "./names.ts";

/** Stops apply of one resource, never its check. `stuck` after 10 minutes without anything moving behind it. */
export const gate = z.object({
  resource: resourceId,
  fact: z.string().max(255),
  open: z.boolean(),
  stuck: z.boolean(),
});
export type Gate = z.infer<typeof gate>;

/** A pause at the coordinator that touches this node; scope is `stack`, `NODE`, `NODE/ROLE` or `NODE/ID`. */
export const pause = z.object({
  scope: z.string().max(255),
  reason: text,
  by: z.string().max(120),
  until: z.number().nullable(),
});
export type Pause = z.infer<typeof pause>;

export const contention = z.object({
  repairs: z.number().int().positive(),
  withinMs: z.number().int().positive(),
  quietMs: z.number().int().positive(),
  gitlab: z.object({ repairs: z.number().int().positive(), withinMs: z.number().int().positive() }),
});
export type Contention = z.infer<typeof contention>;

export const policy = z.object({
  mode: z.enum(["observe", "enforce"]),
  pauses: z.array(pause).max(200),
  /** null is `contention: off`. */
  contention: contention.nullable(),
});
export type Policy = z.infer<typeof policy>;

/** A person's one-time yes to one resource at one hash. */
export const approval = z.object({ resource: resourceId, hash, token: z.string().max(64) });
export type Approval = z.infer<typeof approval>;

/** What the node is to be. `hash` is over `roles` alone; the rest travels beside it. */
export const desired = z.object({
  epoch: z.number().int().nonnegative(),
  generation: z.number().int().nonnegative(),
  hash,
  /** Role name -> that role's parameters; validated strictly by the role's own schema. */
  roles: z.record(z.string().max(40), z.unknown()),
  gates: z.array(gate).max(200),
  policy,
  /** Resource id -> opaque token; a new one resets backoff and contention and wakes. */
  retry: z.record(z.string().max(255), z.string().max(64)),
  approvals: z.array(approval).max(100),
  /** Absent from a coordinator that asks nothing of the agent itself. */
  agent: agentWanted.optional(),
});
export type Desired = z.infer<typeof desired>;

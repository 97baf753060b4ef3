import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { Gate } from "@fettle/shared/protocol/desired.ts";
import type { ResourceState } from "@fettle/shared/protocol/resource-report.ts";
import type { Verdict } from "../resources/resource.ts";
import type { ActivePause } from "./pause.ts";

/** Everything beside the verdict that decides whether a repair may start, highest policy first. */
export interface Situation {
  readonly id: string;
  /** Why nothing is changed on this machine whatever anybody says; null is the usual case. */
  readonly frozen: { readonly code: Code; readonly args: CodeArgs } | null;
  /** A pause that covers this resource: on the machine first, else at the coordinator. */
  readonly pause: ActivePause | null;
  readonly mode: "observe" | "enforce";
  readonly contended: CodeArgs | null;
  /** The coordinator has been away for more than 24 h. */
  readonly away: boolean;
  readonly gate: Gate | null;
  /** The first resource it comes after that is not in sync. */
  readonly blockedBy: string | null;
  /** Ms until the next try; 0 when it may be tried now. */
  readonly backoffMs: number;
  /** Why the last repair did not help, a sentence. */
  readonly problem: string;
  /** For a job: how many of its kind run already; else 0. */
  readonly atWork: number;
  /** Users of the service at this moment; null when nobody is cut. */
  readonly busy: { readonly connections: number | string } | null;
  readonly drainMs: number;
  /** How long this drift has stood, in ms. */
  readonly driftMs: number;
}

export type Decision =
  | { readonly act: true }
  | { readonly act: false; readonly state: ResourceState; readonly code?: Code; readonly args?: CodeArgs };

/** Jobs of one kind at once: fifty pulls beside each other are no faster, and each counts the free space for itself. */
export const MAX_AT_WORK = 3;

/** What is said of a resource, or that it is repaired now. Pure; the situation is asked for only if something drifts. */
export function decide(verdict: Verdict, situation: () => Situation): Decision {
  switch (verdict.kind) {
    case "in-sync":
      return { act: false, state: "in-sync" };
    case "unknown":
    case "waiting":
    case "blocked":
      return say(verdict.kind, verdict.code, verdict.args);
    case "drift":
      return held(verdict, situation()) ?? { act: true };
  }
}

type Drift = Extract<Verdict, { kind: "drift" }>;

/** The first thing that holds a repair back, or null. */
function held(drift: Drift, at: Situation): Decision | null {
  const resource = at.id;
  if (at.frozen) return say("drifted", at.frozen.code, at.frozen.args);
  if (at.pause) return paused(at.pause);
  if (at.mode === "observe") return say("drifted", "agent.observing");
  if (at.contended) return say("contended", "agent.contended", at.contended);
  if (at.away && drift.restartOnly !== true) return say("drifted", "agent.no-coordinator");
  if (at.gate && !at.gate.open) {
    const args = { resource, fact: at.gate.fact };
    return at.gate.stuck ? say("blocked", "agent.gate-stuck", args) : say("waiting", "agent.gated", args);
  }
  if (at.blockedBy !== null) return say("waiting", "agent.after", { resource, before: at.blockedBy });
  if (at.backoffMs > 0) {
    const seconds = Math.ceil(at.backoffMs / 1000);
    return say("failed", "agent.failed-backoff", { seconds, problem: at.problem });
  }
  if (at.atWork >= MAX_AT_WORK) return say("waiting", "agent.in-line", { resource, running: at.atWork });
  return busy(drift, at);
}

function paused({ scope, reason, by }: ActivePause): Decision {
  if (by !== null) return say("paused", "agent.paused", { scope, reason, by });
  return say("paused", "agent.paused-here", { scope, reason, what: scope === "*" ? "everything" : scope });
}

function busy(drift: Drift, at: Situation): Decision | null {
  if (drift.disturbs !== "service" || at.busy === null) return null;
  if (drift.breaking && at.driftMs >= at.drainMs) return null;
  const drain = `${Math.round(at.drainMs / 1000)} s`;
  return say("waiting", "agent.busy", { connections: at.busy.connections, drain });
}

function say(state: ResourceState, code: Code, args: CodeArgs = {}): Decision {
  return { act: false, state, code, args };
}

import type { UnitState } from "../system/units.ts";
import type { UpdateRecord } from "./record.ts";

/** From the switch, or the machine's start, to the decision: with the restart that follows it is below 2 minutes. */
export const TRIAL_MS = 85_000;
/** The new version says done before this or not at all, so that it never crosses the guard. */
export const DONE_BEFORE_MS = 78_000;
/** So often a program that ends by itself is started again. */
export const CRASHES = 3;
/** So often the machine may start during a trial. */
export const BOOTS = 3;

export type GuardDecision =
  | { readonly kind: "wait" }
  /** Nothing is being tried any more. */
  | { readonly kind: "stand-down" }
  /** The machine was started since: the time begins anew. */
  | { readonly kind: "new-boot" }
  | { readonly kind: "go-back"; readonly why: "crashed" | "late" | "rebooted" | "begun" };

export interface GuardView {
  readonly record: UpdateRecord | null;
  readonly bootId: string;
  /** Wall-clock ms. */
  readonly now: number;
  /** Since this guard began, by a clock that nobody sets. */
  readonly watchedMs: number;
  /** null when systemd does not say. */
  readonly agent: Pick<UnitState, "restarts"> | null;
}

/** What the guard does next. Pure. */
export function guardDecision({ record, bootId, now, watchedMs, agent }: GuardView): GuardDecision {
  if (record === null) return { kind: "stand-down" };
  if (record.state === "going-back") return { kind: "go-back", why: "begun" };
  if (record.state !== "trial") return { kind: "stand-down" };
  if (record.bootId !== bootId)
    return record.boots >= BOOTS ? { kind: "go-back", why: "rebooted" } : { kind: "new-boot" };
  if (agent !== null && crashes(record, agent) >= CRASHES) return { kind: "go-back", why: "crashed" };
  return sinceMs(record, now, watchedMs) >= TRIAL_MS ? { kind: "go-back", why: "late" } : { kind: "wait" };
}

/** systemd counts from a start that was asked for on, so a smaller count than at the switch is a new one. */
export function crashes({ restarts: before }: UpdateRecord, { restarts }: Pick<UnitState, "restarts">): number {
  return restarts >= before ? restarts - before : restarts;
}

/** By the wall clock when it makes sense, so that who was killed goes on; never less than was watched. */
export function sinceMs({ startedAt }: Pick<UpdateRecord, "startedAt">, now: number, watchedMs: number): number {
  const since = now - startedAt;
  return since >= 0 && since <= 10 * TRIAL_MS ? Math.max(since, watchedMs) : watchedMs;
}

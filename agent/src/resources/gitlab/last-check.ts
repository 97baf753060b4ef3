import type { Kept } from "../resource.ts";
import type { Hop } from "./answers-hop.ts";

/** The last test of a model, as it is kept. */
export interface Checked {
  /** Hash of what was tested. */
  readonly key: string;
  /** Wall-clock ms. */
  readonly at: number;
  /** How many failed in a row. */
  readonly failures: number;
  /** The hop that is broken; null when the model answered. */
  readonly hop: Hop | null;
  /** Who had asked for it last: a person, or the coordinator after a swap of the gateway. */
  readonly asked: string | null;
}

const LAST = "last";
/** The loop keeps the last token of `fettle repair` there. */
const RETRY = "retry";
const PACE_MS = 15 * 60_000;
/** A gateway that is just starting is asked again soon; what stays broken more and more seldom. */
const FIRST_RETRY_MS = 5_000;

/** The last test of exactly this; null when there is none. */
export function lastCheck(kept: Kept, key: string): Checked | null {
  const last = JSON.parse(kept.get(LAST) ?? "null") as Checked | null;
  return last?.key === key ? last : null;
}

export function keepCheck(kept: Kept, checked: Checked): Checked {
  kept.set(LAST, JSON.stringify(checked));
  return checked;
}

/** By which token a test is asked for now. */
export function askedBy(kept: Kept): string | null {
  return kept.get(RETRY);
}

/** When asked for, after a change, every 15 minutes, and after a failure sooner: inference costs a GPU's time. */
export function isDue({ at, failures, asked }: Checked, kept: Kept, now: number, changedAt: number): boolean {
  if (asked !== askedBy(kept)) return true;
  return changedAt > at || now < at || now - at >= paceMs(failures);
}

/** Ms until the next test is due by time alone. */
export function dueInMs({ at, failures }: Checked, now: number): number {
  return Math.max(0, at + paceMs(failures) - now);
}

function paceMs(failures: number): number {
  return failures === 0 ? PACE_MS : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), PACE_MS);
}

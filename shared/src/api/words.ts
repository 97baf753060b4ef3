import * as z from "zod";
import type { ResourceState } from "../protocol/resource-report.ts";

/** Worst first; `released` is left out. */
const WORST_FIRST = [
  "failed",
  "contended",
  "blocked",
  "drifted",
  "repairing",
  "waiting",
  "unknown",
  "paused",
  "in-sync",
] as const;
export type Word = (typeof WORST_FIRST)[number];
export const word = z.enum(WORST_FIRST);
export const WORDS: readonly Word[] = WORST_FIRST;

/** The worst of the states; `in-sync` when there is none. */
export function rollUp(states: Iterable<ResourceState>): Word {
  const found = new Set<string>(states);
  return WORST_FIRST.find((each) => found.has(each)) ?? "in-sync";
}

const DETAILED: Readonly<Record<Word, number>> = {
  failed: 2,
  contended: 2,
  drifted: 2,
  repairing: 2,
  waiting: 2,
  blocked: 4,
  paused: 4,
  unknown: 3,
  "in-sync": 0,
};

/** The exit status under `--detailed-exitcode`. */
export function exitCodeOf(rolledUp: Word): number {
  return DETAILED[rolledUp];
}

export const CONNECTIONS = ["connected", "disconnected", "never-seen", "uninstalled"] as const;
export const connection = z.enum(CONNECTIONS);

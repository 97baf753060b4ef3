import type { Journal } from "./journal.ts";

/** Verified repairs by (resource, wrong value): what contention is counted from. */
export interface Repairs {
  add(resource: string, value: string, at: number): void;
  /** How many in this time (wall-clock ms); what seems to lie ahead is from before the clock was set back. */
  count(resource: string, value: string, within: { readonly from: number; readonly to: number }): number;
  reset(resource: string): void;
  prune(before: number): void;
}

export function repairsOf(db: Journal): Repairs {
  const add = db.prepare("INSERT INTO repairs (resource, value, at) VALUES (?, ?, ?)");
  const count = db
    .prepare<[string, string, number, number], number>(
      "SELECT count(*) FROM repairs WHERE resource = ? AND value = ? AND at BETWEEN ? AND ?",
    )
    .pluck();
  const reset = db.prepare("DELETE FROM repairs WHERE resource = ?");
  const prune = db.prepare("DELETE FROM repairs WHERE at < ?");
  return {
    add: (resource, value, at) => void add.run(resource, value, at),
    count: (resource, value, { from, to }) => count.get(resource, value, from, to) ?? 0,
    reset: (resource) => void reset.run(resource),
    prune: (before) => void prune.run(before),
  };
}

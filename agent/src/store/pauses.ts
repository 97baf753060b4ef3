import type { LocalPause } from "@fettle/shared/protocol/report.ts";
import type { Journal } from "./journal.ts";

/** Pauses made on this machine; scope is `*`, a role or a resource id. */
export interface Pauses {
  all(now: number): LocalPause[];
  set(pause: LocalPause): void;
  /** True when there was one. */
  remove(scope: string): boolean;
}

export function pausesOf(db: Journal): Pauses {
  const all = db.prepare<[number], LocalPause>(
    "SELECT scope, reason, until, at FROM pauses WHERE until IS NULL OR until > ? ORDER BY scope",
  );
  const set = db.prepare(
    "INSERT OR REPLACE INTO pauses (scope, reason, until, at) VALUES (@scope, @reason, @until, @at)",
  );
  const remove = db.prepare("DELETE FROM pauses WHERE scope = ?");
  return {
    all: (now) => all.all(now),
    set: (pause) => void set.run(pause),
    remove: (scope) => remove.run(scope).changes > 0,
  };
}

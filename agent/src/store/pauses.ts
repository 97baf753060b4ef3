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
  const all = db.prepare<[], LocalPause>("SELECT scope, reason, until, at FROM pauses ORDER BY scope");
  const set = db.prepare(
    "INSERT OR REPLACE INTO pauses (scope, reason, until, at) VALUES (@scope, @reason, @until, @at)",
  );
  const remove = db.prepare("DELETE FROM pauses WHERE scope = ?");
  // Asked for with every decision, written by this process alone, and above everything: a pause must not be unreadable.
  let held = all.all();
  return {
    all: (now) => held.filter(({ until }) => until === null || until > now),
    set: (pause) => {
      set.run(pause);
      held = all.all();
    },
    remove: (scope) => {
      const { changes } = remove.run(scope);
      held = all.all();
      return changes > 0;
    },
  };
}

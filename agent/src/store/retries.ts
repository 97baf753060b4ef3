import type { Journal } from "./journal.ts";

export interface Retry {
  readonly failures: number;
  /** Wall-clock ms, so that it survives a restart. */
  readonly nextAt: number;
}

/** Failed tries by (resource, hash); a new hash starts at none. */
export interface Retries {
  get(resource: string, hash: string): Retry | null;
  set(resource: string, hash: string, retry: Retry): void;
  reset(resource: string): void;
}

export function retriesOf(db: Journal): Retries {
  const get = db.prepare<[string, string], Retry>(
    "SELECT failures, next_at AS nextAt FROM retries WHERE resource = ? AND hash = ?",
  );
  const set = db.prepare("INSERT OR REPLACE INTO retries (resource, hash, failures, next_at) VALUES (?, ?, ?, ?)");
  const reset = db.prepare("DELETE FROM retries WHERE resource = ?");
  return {
    get: (resource, hash) => get.get(resource, hash) ?? null,
    set: db.transaction((resource: string, hash: string, retry: Retry) => {
      reset.run(resource);
      set.run(resource, hash, retry.failures, retry.nextAt);
    }),
    reset: (resource) => void reset.run(resource),
  };
}

import type { Journal } from "./journal.ts";

/** Small records by (resource, key): a remembered id, "once" done, what was set aside. */
export interface KeptStore {
  get(resource: string, key: string): string | null;
  set(resource: string, key: string, value: string): void;
  delete(resource: string, key: string): void;
}

export function keptOf(db: Journal): KeptStore {
  const get = db.prepare<[string, string], string>("SELECT value FROM kept WHERE resource = ? AND key = ?").pluck();
  const set = db.prepare("INSERT OR REPLACE INTO kept (resource, key, value) VALUES (?, ?, ?)");
  const remove = db.prepare("DELETE FROM kept WHERE resource = ? AND key = ?");
  return {
    get: (resource, key) => get.get(resource, key) ?? null,
    set: (resource, key, value) => void set.run(resource, key, value),
    delete: (resource, key) => void remove.run(resource, key),
  };
}

import type { Pass } from "../resources/resource.ts";

/** Shared observations of one pass. A rejected one is shared too: what failed for one fails for all until forgotten. */
export function newPass(id: string): Pass {
  const shared = new Map<string, Promise<unknown>>();
  return {
    id,
    once<T>(key: string, observe: () => Promise<T>): Promise<T> {
      const known = shared.get(key);
      if (known) return known as Promise<T>;
      const made = observe();
      made.catch(() => undefined);
      shared.set(key, made);
      return made;
    },
    forget(prefix) {
      for (const key of shared.keys()) if (key.startsWith(prefix)) shared.delete(key);
    },
  };
}

import type { Resource } from "../resources/resource.ts";

/**
 * The resources so that each comes after those in its `after` (ids that are not there are ignored); otherwise in the
 * order given. Throws when they go round in a circle or an id is there twice: both are faults of a playbook.
 */
export function order(resources: readonly Resource[]): Resource[] {
  const byId = new Map(resources.map((resource) => [resource.id, resource]));
  if (byId.size !== resources.length) throw new Error("a resource id is there twice");
  const sorted: Resource[] = [];
  const visited = new Map<string, "open" | "done">();
  const visit = (resource: Resource): void => {
    const mark = visited.get(resource.id);
    if (mark === "done") return;
    if (mark === "open") throw new Error(`${resource.id} comes after itself`);
    visited.set(resource.id, "open");
    for (const id of resource.after) {
      const before = byId.get(id);
      if (before) visit(before);
    }
    visited.set(resource.id, "done");
    sorted.push(resource);
  };
  for (const resource of resources) visit(resource);
  return sorted;
}

/** True when `later` comes after `id`, directly or through others. */
export function comesAfter(resources: ReadonlyMap<string, Resource>, later: string, id: string): boolean {
  const seen = new Set<string>();
  const reaches = (at: string): boolean => {
    if (seen.has(at)) return false;
    seen.add(at);
    const after = resources.get(at)?.after ?? [];
    return after.includes(id) || after.some(reaches);
  };
  return reaches(later);
}

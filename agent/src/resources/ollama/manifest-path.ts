import { MODEL_REGISTRY, parseModelName } from "@fettle/shared/roles/model-name.ts";

/** The folder below `models` that holds a model's manifest, a file per tag; null when the name is none. */
export function manifestFolder(name: string): string | null {
  const parsed = parseModelName(name);
  if (parsed === null) return null;
  return `manifests/${parsed.registry ?? MODEL_REGISTRY}/${parsed.namespace ?? "library"}/${parsed.model}`;
}

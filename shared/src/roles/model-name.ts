export const MODEL_REGISTRY = "registry.ollama.ai";

const PART = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::\d{1,5})?$/;

/** A model's name in its parts, as Ollama reads it (facts: ollama.md section 4). */
export interface ModelName {
  /** null when the name carries none: then it is registry.ollama.ai. */
  readonly registry: string | null;
  /** null when the name carries none: then it is `library`. */
  readonly namespace: string | null;
  readonly model: string;
  /** `latest` when the name carries none. */
  readonly tag: string;
}

/** `model`, `someone/model`, `host/someone/model`, each with or without `:tag`; null for anything else. */
export function parseModelName(name: string): ModelName | null {
  const lastSlash = name.lastIndexOf("/");
  const colon = name.indexOf(":", lastSlash + 1);
  const tag = colon === -1 ? "latest" : name.slice(colon + 1);
  const parts = (colon === -1 ? name : name.slice(0, colon)).split("/");
  if (parts.length > 3 || !PART.test(tag) || name.includes("..")) return null;
  const registry = parts.length === 3 ? (parts[0] ?? "") : null;
  if (registry !== null && !HOST.test(registry)) return null;
  const rest = registry === null ? parts : parts.slice(1);
  if (!rest.every((part) => PART.test(part))) return null;
  return { registry, namespace: rest.length === 2 ? (rest[0] ?? null) : null, model: rest.at(-1) ?? "", tag };
}

/** The name as `/api/tags` shows it: with its tag, and without the parts that are the default. */
export function shortModelName(name: string): string {
  const parsed = parseModelName(name);
  if (parsed === null) return name;
  const registry = parsed.registry === MODEL_REGISTRY ? null : parsed.registry;
  const namespace = registry === null && parsed.namespace === "library" ? null : parsed.namespace;
  return `${[registry, namespace, parsed.model].filter(Boolean).join("/")}:${parsed.tag}`;
}

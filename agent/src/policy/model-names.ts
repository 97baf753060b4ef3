import { entry, type Refusal, shown } from "./refusal.ts";

export const MODEL_REGISTRY = "registry.ollama.ai";
const PART = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::\d{1,5})?$/;
/** A model that the local server only forwards to the vendor's cloud. */
const CLOUD = /(^|-)cloud$/i;

interface ModelName {
  /** null when the name carries none: then it is registry.ollama.ai. */
  readonly registry: string | null;
  readonly tag: string;
}

/** `model`, `someone/model`, `host/someone/model`, each with or without `:tag`; null for anything else. */
function parseModelName(name: string): ModelName | null {
  const lastSlash = name.lastIndexOf("/");
  const colon = name.indexOf(":", lastSlash + 1);
  const tag = colon === -1 ? "latest" : name.slice(colon + 1);
  const parts = (colon === -1 ? name : name.slice(0, colon)).split("/");
  if (parts.length > 3 || !PART.test(tag) || name.includes("..")) return null;
  const registry = parts.length === 3 ? (parts[0] ?? "") : null;
  if (registry !== null && !HOST.test(registry)) return null;
  const rest = registry === null ? parts : parts.slice(1);
  return rest.every((part) => PART.test(part)) ? { registry, tag } : null;
}

/** A model's name as Ollama and a resource id take it, from an allowed registry, and not one of the vendor's cloud. */
export function modelNameRefusal(name: string, registries: readonly string[]): Refusal | null {
  const parsed = parseModelName(name);
  const found = shown(name);
  if (parsed === null) return { code: "policy.model-name", args: { found } };
  if (CLOUD.test(parsed.tag)) return { code: "policy.model-cloud", args: { found } };
  const { registry } = parsed;
  if (registry === null || registry === MODEL_REGISTRY || registries.includes(registry)) return null;
  return { code: "policy.model-registry", args: { found, registry, ...entry("policy.ollama.registries", registry) } };
}

/** The same for a model that GitLab calls by name on a server elsewhere: where that server got it is its own policy. */
export function servedModelRefusal(name: string): Refusal | null {
  const parsed = parseModelName(name);
  const found = shown(name);
  if (parsed === null) return { code: "policy.model-name", args: { found } };
  return CLOUD.test(parsed.tag) ? { code: "policy.model-cloud", args: { found } } : null;
}

import { MODEL_REGISTRY, parseModelName } from "@fettle/shared/roles/model-name.ts";
import { entry, type Refusal, shown } from "./refusal.ts";

/** A model that the local server only forwards to the vendor's cloud. */
const CLOUD = /(^|-)cloud$/i;

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

import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { dropIn } from "../resources/ollama/drop-in.ts";
import { listening } from "../resources/ollama/listening.ts";
import { service } from "../resources/ollama/service.ts";
import type { Resource } from "../resources/resource.ts";

/** Ollama on one VM: installed, wired, running, with its models. */
export function ollamaPlaybook(params: OllamaParams): Resource[] {
  return [dropIn(params), service(params), listening(params)];
}

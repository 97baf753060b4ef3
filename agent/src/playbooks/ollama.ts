import { type OllamaParams, ollamaRole } from "@fettle/shared/roles/ollama.ts";
import { host } from "../resources/any/host.ts";
import { driver } from "../resources/ollama/driver.ts";
import { dropIn } from "../resources/ollama/drop-in.ts";
import { install } from "../resources/ollama/install.ts";
import type { FindArchive } from "../resources/ollama/installation.ts";
import { listening } from "../resources/ollama/listening.ts";
import { model } from "../resources/ollama/model.ts";
import { service } from "../resources/ollama/service.ts";
import { warm } from "../resources/ollama/warm.ts";
import type { Resource } from "../resources/resource.ts";

/** Ollama on one VM: installed, wired, running, with its models. */
export function ollamaPlaybook(params: OllamaParams, archive: FindArchive, firstBootReboot = false): Resource[] {
  const models = params.models.map((one) => model(params, one));
  const warmed = params.models.filter((one) => one.warm).map((one) => warm(params, one));
  const before = [host("ollama", ollamaRole.host), driver(params, firstBootReboot)];
  const server = [install(params, archive), dropIn(params), service(params), listening(params)];
  return [...before, ...server, ...models, ...warmed];
}

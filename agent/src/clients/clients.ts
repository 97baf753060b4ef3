import type { Host } from "../system/host.ts";
import { type OllamaClient, ollamaClient } from "./ollama.ts";

/** The protocol clients, made once from the host. */
export interface Clients {
  readonly ollama: OllamaClient;
}

export function makeClients(host: Host): Clients {
  return { ollama: ollamaClient(host) };
}

import type { Host } from "../system/host.ts";
import { type EngineClient, engineClient } from "./engine/engine.ts";
import { type GitlabClient, gitlabClient } from "./gitlab/gitlab.ts";
import { type MirrorClient, noMirror } from "./mirror.ts";
import { NvidiaSmi } from "./nvidia-smi.ts";
import { type OllamaClient, ollamaClient } from "./ollama.ts";

/** The protocol clients, made once from the host. */
export interface Clients {
  readonly engine: EngineClient;
  readonly gitlab: GitlabClient;
  readonly nvidiaSmi: NvidiaSmi;
  readonly ollama: OllamaClient;
  readonly mirror: MirrorClient;
}

export function makeClients(host: Host, mirror: MirrorClient = noMirror): Clients {
  return {
    engine: engineClient(host),
    gitlab: gitlabClient(host),
    nvidiaSmi: new NvidiaSmi(host),
    ollama: ollamaClient(host),
    mirror,
  };
}

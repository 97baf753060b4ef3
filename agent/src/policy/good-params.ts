import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import type { PolicyFacts } from "./facts.ts";

/** Parameters of a usual stack, all allowed: what the hostile cases are laid over. */
export const goodOllama: OllamaParams = {
  address: "172.31.11.27",
  listen: { host: "172.31.11.27", port: 11434 },
  version: "any",
  env: { OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1" },
  drainMs: 600_000,
  models: [{ name: "mistral:instruct", warm: true, minGpuPercent: 0 }],
  probes: [],
};

export const goodGateway: GatewayParams = {
  address: "172.31.11.20",
  image: { kind: "auto", track: "18.8" },
  auth: "jwt",
  platform: false,
  gitlabUrl: "https://gitlab.example.com",
  caBundle: "/usr/local/share/ca-certificates/gitlab.crt",
  drainMs: 600_000,
  probes: [
    { peer: "gitlab-1", host: "gitlab.example.com", port: 443, service: "gitlab" },
    { peer: "ollama-1", host: "172.31.11.27", port: 11434, service: "ollama" },
  ],
};

export const goodModel = {
  key: "mistral",
  displayName: "Mistral 7B on AWS Tokyo – 日本",
  family: "MISTRAL",
  endpoint: "http://172.31.11.27:11434/v1",
  identifier: "custom_openai/mistral:instruct",
} as const;

export const goodGitlab: GitlabParams = {
  address: "172.31.11.10",
  url: "https://gitlab.example.com",
  token: { kind: "mint", actor: "root" },
  seats: ["root"],
  gatewayUrl: "http://172.31.11.20:5052",
  platformUrl: "172.31.11.20:50052",
  allowOutbound: true,
  models: [goodModel],
  features: [{ feature: "DUO_CHAT", model: "mistral", policy: "repair" }],
  probes: [{ peer: "gateway-1", host: "172.31.11.20", port: 5052, service: "gateway" }],
};

export const goodParams = { ollama: goodOllama, gateway: goodGateway, gitlab: goodGitlab } as const;

export const goodFacts: PolicyFacts = {
  addresses: ["172.31.11.27", "172.31.11.20", "172.31.11.10"],
  gitlabHost: null,
  paths: { "/usr/local/share/ca-certificates/gitlab.crt": "file", "/etc/fettle/gitlab-token": "file" },
  pins: {},
};

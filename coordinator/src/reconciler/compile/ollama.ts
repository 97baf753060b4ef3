import { must } from "@fettle/shared/lib/must.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { listenOf } from "@fettle/shared/stack/sections/model-servers.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { RoleCompiler } from "./role-compiler.ts";
import { addressOf } from "./wiring.ts";

export const ollama: RoleCompiler = {
  role: "ollama",
  nodes: (spec) => servers(spec).map((server) => server.node),
  params: ({ spec }, node) => params(spec, node),
  gates: () => [],
};

function servers(spec: StackSpec) {
  return spec.modelServers.filter((server) => server.kind === "ollama");
}

function params(spec: StackSpec, node: string): OllamaParams {
  const server = must(
    servers(spec).find((candidate) => candidate.node === node),
    `Ollama server of ${node}`,
  );
  return {
    address: addressOf(spec, node),
    listen: must(listenOf(server, spec.nodes), `address of ${node}`),
    version: server.version,
    env: server.env,
    // Left out where it is the default, so that an agent of before it takes these parameters too.
    ...(server.driver === "install" ? { driver: server.driver } : {}),
    drainMs: server.drain,
    models: [...server.models].sort((a, b) => (a.name < b.name ? -1 : 1)),
    probes: [],
  };
}

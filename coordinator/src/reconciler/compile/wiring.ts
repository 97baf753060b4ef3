import { hostPort } from "@fettle/shared/lib/address.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { GATEWAY_PORT, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import { listenOf, type ModelServer } from "@fettle/shared/stack/sections/model-servers.ts";
import { withTag } from "@fettle/shared/stack/sections/ollama.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";

/** How the parts of a stack find each other, from the declaration alone. */
export type Gitlab = NonNullable<StackSpec["gitlab"]>;
export type Gateway = NonNullable<StackSpec["gateway"]>;

export function addressOf(spec: StackSpec, node: string): string {
  return must(spec.nodes[node], `node ${node}`).address;
}

export function gatewayUrl(spec: StackSpec, gateway: Gateway): string {
  return `http://${hostPort(addressOf(spec, gateway.node), GATEWAY_PORT)}`;
}

/** Without a scheme, as GitLab wants it. */
export function platformUrl(spec: StackSpec, gateway: Gateway): string {
  return hostPort(addressOf(spec, gateway.node), PLATFORM_PORT);
}

export function gatewayProbes(spec: StackSpec, gateway: Gateway): ProbeTarget[] {
  const [peer, host] = [gateway.node, addressOf(spec, gateway.node)];
  const probes: ProbeTarget[] = [{ peer, host, port: GATEWAY_PORT, service: "gateway" }];
  return gateway.platform ? [...probes, { peer, host, port: PLATFORM_PORT, service: "platform" }] : probes;
}

export function gitlabProbe(gitlab: Gitlab): ProbeTarget {
  const url = new URL(gitlab.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  return { peer: gitlab.node, host, port, service: "gitlab" };
}

export function serverProbe(spec: StackSpec, server: ModelServer): ProbeTarget {
  const { host, port } = must(listenOf(server, spec.nodes), `address of ${server.node}`);
  return { peer: server.node, host, port, service: server.kind };
}

/** The server of a model record and the model's full name there. */
export function serving(
  spec: StackSpec,
  model: Gitlab["models"][string],
): { server: ModelServer; name: string; warm: boolean } {
  const server = must(
    spec.modelServers.find((candidate) => candidate.node === model.servedBy[0]),
    `model server of ${model.model}`,
  );
  const name = withTag(model.model);
  return { server, name, warm: server.models.some((served) => served.name === name && served.warm) };
}

export function byKey<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

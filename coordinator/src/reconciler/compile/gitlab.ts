import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { GitlabModel, GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import { DISABLED } from "@fettle/shared/stack/sections/gitlab.ts";
import { endpointOf } from "@fettle/shared/stack/sections/model-servers.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { CompiledGate, Need, RoleCompiler } from "./role-compiler.ts";
import { addressOf, byKey, type Gitlab, gatewayProbes, gatewayUrl, platformUrl, serving } from "./wiring.ts";

export const gitlab: RoleCompiler = {
  role: "gitlab",
  nodes: (spec) => (spec.gitlab === undefined ? [] : [spec.gitlab.node]),
  params: ({ spec }, node) => params(spec, node),
  gates: ({ spec }, node) => gates(spec, node),
};

function sections(spec: StackSpec) {
  return { gateway: must(spec.gateway, "gateway section"), gitlab: must(spec.gitlab, "gitlab section") };
}

function params(spec: StackSpec, node: string): GitlabParams {
  const { gateway, gitlab } = sections(spec);
  return {
    address: addressOf(spec, node),
    url: gitlab.url,
    ...(gitlab.ca === undefined ? {} : { ca: gitlab.ca }),
    token: tokenOf(gitlab),
    seats: [...gitlab.seats].sort(),
    gatewayUrl: gatewayUrl(spec, gateway),
    ...(gitlab.aiGatewayTimeoutSeconds === undefined ? {} : { timeoutSeconds: gitlab.aiGatewayTimeoutSeconds }),
    ...(gateway.platform ? { platformUrl: platformUrl(spec, gateway) } : {}),
    allowOutbound: gitlab.allowOutbound,
    models: byKey(gitlab.models).map(([key, model]) => modelOf(spec, key, model)),
    features: byKey(gitlab.features).map(([feature, { model, policy }]) => ({
      feature: feature as GitlabParams["features"][number]["feature"],
      model: model === DISABLED ? null : model,
      policy,
    })),
    probes: gatewayProbes(spec, gateway),
  };
}

function tokenOf({ token }: Gitlab): GitlabParams["token"] {
  return "mint" in token ? { kind: "mint", actor: token.actor } : { kind: "file", path: token.file };
}

function modelOf(spec: StackSpec, key: string, model: Gitlab["models"][string]): GitlabModel {
  const { server } = serving(spec, model);
  return {
    key,
    displayName: model.displayName ?? key,
    family: model.family,
    endpoint: must(endpointOf(server, spec.nodes), `endpoint of ${server.node}`),
    identifier: `custom_openai/${model.model}`,
  };
}

function gates(spec: StackSpec, node: string): CompiledGate[] {
  const { gateway, gitlab } = sections(spec);
  const { gatewayUrl: url, timeoutSeconds, platformUrl: platform } = params(spec, node);
  const ready: Need = { node: gateway.node, resource: "gateway.ready" };
  const models = byKey(gitlab.models).map(([key, model]) => modelGate(spec, key, model));
  const answers = byKey(gitlab.models).map(([key, model]) => answersGate(spec, ready, key, model));
  return [
    { resource: "gitlab.duo-settings", hash: hashOf({ url, timeoutSeconds, platform }), needs: [ready] },
    ...models,
    ...answers,
  ];
}

function modelGate(spec: StackSpec, key: string, model: Gitlab["models"][string]): CompiledGate {
  const { server, name } = serving(spec, model);
  return {
    resource: `gitlab.model[${key}]`,
    hash: hashOf(modelOf(spec, key, model)),
    needs: [{ node: server.node, resource: `${server.kind}.model[${name}]` }],
  };
}

function answersGate(spec: StackSpec, ready: Need, key: string, model: Gitlab["models"][string]): CompiledGate {
  const { server, name, warm } = serving(spec, model);
  const needs = [ready, { node: server.node, resource: `${server.kind}.model[${name}]` }];
  if (warm) needs.push({ node: server.node, resource: `${server.kind}.warm[${name}]` });
  return { resource: `gitlab.answers[${key}]`, hash: hashOf({ model: modelOf(spec, key, model), ready, warm }), needs };
}

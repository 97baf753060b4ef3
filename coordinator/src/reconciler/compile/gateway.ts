import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { CompiledGate, CompileInput, RoleCompiler } from "./role-compiler.ts";
import { addressOf, gitlabProbe, serverProbe } from "./wiring.ts";

export const gateway: RoleCompiler = {
  role: "gateway",
  nodes: (spec) => (spec.gateway === undefined ? [] : [spec.gateway.node]),
  params,
  gates,
};

function sections(spec: StackSpec) {
  return { gateway: must(spec.gateway, "gateway section"), gitlab: must(spec.gitlab, "gitlab section") };
}

function params(input: CompileInput, node: string): GatewayParams {
  const { spec } = input;
  const { gateway, gitlab } = sections(spec);
  return {
    address: addressOf(spec, node),
    image: imageOf(input),
    auth: gateway.auth,
    platform: gateway.platform,
    gitlabUrl: gitlab.url,
    ...(gateway.caBundle === undefined ? {} : { caBundle: gateway.caBundle }),
    drainMs: gateway.drain,
    probes: [gitlabProbe(gitlab), ...spec.modelServers.map((server) => serverProbe(spec, server))],
  };
}

function imageOf({ spec, track }: CompileInput): GatewayParams["image"] {
  const { image } = sections(spec).gateway;
  return image === "auto" ? { kind: "auto", track } : { kind: "exact", reference: image };
}

function gates(input: CompileInput, node: string): CompiledGate[] {
  const { gitlab } = sections(input.spec);
  const { drainMs, probes, ...container } = params(input, node);
  const swap: CompiledGate = {
    resource: "gateway.previous",
    hash: hashOf(container),
    needs: [{ node: gitlab.node, resource: "gitlab.answers" }],
    sinceSwap: "gateway.container",
    askedAfter: ["gateway.ready"],
  };
  if (container.image.kind !== "auto") return [swap];
  const fact = { text: "GitLab's version", met: container.image.track !== null };
  const needs = [{ node: gitlab.node, resource: "gitlab.ready" }];
  return [{ resource: "gateway.image", hash: hashOf(container.image), needs: fact.met ? [] : needs, fact }, swap];
}

import { ipAddress } from "@fettle/shared/lib/address.ts";
import type { GitlabFeature, GitlabModel, GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { PolicyFacts } from "./facts.ts";
import { endpointRefusal, gatewayRefusal, platformRefusal, promptHosts } from "./gitlab-hosts.ts";
import { addressRefusal, ownAddressRefusal } from "./hosts.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { servedModelRefusal } from "./model-names.ts";
import { certificateFileRefusal, tokenFileRefusal } from "./paths.ts";
import { pinRefusal } from "./pinned.ts";
import { GATEWAY_PORTS, probeRefusal, type Reached } from "./probes.ts";
import { type Refusal, Refusals, shown } from "./refusal.ts";
import type { Review } from "./review.ts";
import { keyRefusal, textRefusal, userRefusal } from "./text.ts";
import { plainUrl, urlShape } from "./urls.ts";

const IDENTIFIER_PREFIX = "custom_openai/";

/** What this machine refuses of the parameters of the role gitlab. */
export function reviewGitlab(params: GitlabParams, policy: LocalPolicy, facts: PolicyFacts): Review {
  const refusals = new Refusals();
  const answers = params.models.map(({ key }) => `gitlab.answers[${key}]`);
  refusals.add(withApi(params), localGitlabRefusal(params.url, policy, facts));
  refusals.add(withApi(params), fileRefusal(params, policy, facts));
  refusals.add(
    ["gitlab.duo-settings", "gitlab.outbound", ...answers],
    gatewayRefusal(params.gatewayUrl, policy, facts),
  );
  if (params.platformUrl !== undefined)
    refusals.add(["gitlab.duo-settings"], platformRefusal(params.platformUrl, params.gatewayUrl, policy));
  for (const user of params.seats) refusals.add([`gitlab.seat[${user}]`], userRefusal("The name of a user", user));
  for (const model of params.models) reviewModel(refusals, model, policy, facts);
  for (const feature of params.features) reviewFeature(refusals, feature, params.models);
  const reached = reachedBy(params);
  for (const probe of params.probes) refusals.add(["gitlab.host"], probeRefusal(probe, reached, policy));
  return { refusals: refusals.map, pins: firstUse(params, refusals) };
}

/** Every resource that speaks with this GitLab, and so would bring the token to where the URL points. */
function withApi(params: GitlabParams): string[] {
  const fixed = ["ready", "writable", "token", "tls", "licence", "outbound", "duo-settings"];
  return [
    ...fixed.map((kind) => `gitlab.${kind}`),
    ...params.seats.map((user) => `gitlab.seat[${user}]`),
    ...params.models.flatMap(({ key }) => [`gitlab.model[${key}]`, `gitlab.answers[${key}]`]),
    ...params.features.map(({ feature }) => `gitlab.feature[${feature}]`),
  ];
}

function localGitlabRefusal(url: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const parsed = plainUrl(url);
  const under = "policy.gitlab.urls";
  if (parsed === null) return urlShape("The GitLab URL", url, "https://gitlab.example.com");
  const listed = policy.gitlab.urls;
  if (!listed.includes(url)) {
    const own = ownHostRefusal(parsed.host, policy, facts);
    if (own !== null) return own;
    if (facts.gitlabHost !== null && ipAddress(parsed.host) === null && parsed.host !== facts.gitlabHost)
      return {
        code: "policy.gitlab-elsewhere",
        args: { found: shown(url), expected: facts.gitlabHost, under, line: `- ${url}` },
      };
  }
  return pinRefusal(url, { kind: "gitlab.url", code: "policy.gitlab-moved", listed, under, pins: facts.pins });
}

/** A literal address in the URL is one of this machine's own. */
function ownHostRefusal(host: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  if (ipAddress(host) === null) return null;
  const what = "The address in the GitLab URL";
  return addressRefusal(what, host, policy) ?? ownAddressRefusal(what, host, facts.addresses);
}

/** The files that the parameters name on this VM: the CA and the token. */
function fileRefusal(params: GitlabParams, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const { ca, token } = params;
  const rule = { what: "The CA file", under: "policy.gitlab.caFiles", allowed: policy.gitlab.caFiles };
  const forCa = ca === undefined ? null : certificateFileRefusal(ca, facts.paths[ca], rule);
  if (forCa !== null) return forCa;
  if (token.kind === "mint") return userRefusal("The user whose token is made", token.actor);
  return tokenFileRefusal(token.path, facts.paths[token.path], policy.gitlab.tokenFiles);
}

function reviewModel(refusals: Refusals, model: GitlabModel, policy: LocalPolicy, facts: PolicyFacts): void {
  const ids = [`gitlab.model[${model.key}]`, `gitlab.answers[${model.key}]`];
  const served = model.identifier.slice(IDENTIFIER_PREFIX.length);
  refusals.add(ids, keyRefusal("The key of a model", model.key));
  refusals.add(ids, textRefusal("The display name of a model", model.displayName));
  refusals.add(ids, servedModelRefusal(served));
  refusals.add(ids, endpointRefusal(model.endpoint, policy, facts));
}

/** A feature is not mapped to a model that is refused: it would keep prompts flowing to what that record says. */
function reviewFeature(refusals: Refusals, feature: GitlabFeature, models: readonly GitlabModel[]): void {
  if (feature.model === null) return;
  const id = `gitlab.feature[${feature.feature}]`;
  const args = { found: feature.feature, model: shown(feature.model) };
  if (!models.some(({ key }) => key === feature.model)) refusals.add([id], { code: "policy.feature-model", args });
  refusals.add([id], refusals.map.get(`gitlab.model[${feature.model}]`) ?? null);
}

/** What to remember when all that it is about was allowed. */
function firstUse(params: GitlabParams, refusals: Refusals): Review["pins"] {
  const { gateway, modelServers } = promptHosts(params);
  const modelsOk = params.models.every(({ key }) => !refusals.has(`gitlab.model[${key}]`));
  return {
    ...(refusals.has("gitlab.ready") ? {} : { "gitlab.url": [params.url] }),
    ...(refusals.has("gitlab.duo-settings") ? {} : { "gitlab.gateway": gateway }),
    ...(modelsOk ? { "gitlab.model-servers": modelServers } : {}),
  };
}

export function reachedBy(params: GitlabParams): Reached {
  const gateway = plainUrl(params.gatewayUrl);
  if (gateway === null) return { gateway: null, platform: null };
  const { host } = gateway;
  return { gateway: { host, port: gateway.port }, platform: { host, port: GATEWAY_PORTS.platform } };
}

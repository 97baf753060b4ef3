import { ipAddress } from "@fettle/shared/lib/address.ts";
import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { PolicyFacts } from "./facts.ts";
import { addressRefusal, ownAddressRefusal } from "./hosts.ts";
import { imageRefusal } from "./images.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { certificateFileRefusal } from "./paths.ts";
import { pinRefusal } from "./pinned.ts";
import { probeRefusal, type Reached } from "./probes.ts";
import { type Refusal, Refusals } from "./refusal.ts";
import type { Review } from "./review.ts";
import { plainUrl, urlShape } from "./urls.ts";

const RUNNING = ["gateway.container", "gateway.ready", "gateway.auth", "gateway.gitlab-reachable"];
const GITLAB = ["gateway.container", "gateway.gitlab-reachable"];

/** What this machine refuses of the parameters of the role gateway. */
export function reviewGateway(params: GatewayParams, policy: LocalPolicy, facts: PolicyFacts): Review {
  const refusals = new Refusals();
  const what = "The address that the gateway is published on";
  refusals.add(RUNNING, addressRefusal(what, params.address, policy));
  refusals.add(RUNNING, ownAddressRefusal(what, params.address, facts.addresses));
  if (params.image.kind === "exact")
    refusals.add(["gateway.image", "gateway.container"], imageRefusal(params.image.reference, policy.gateway.images));
  refusals.add(GITLAB, gitlabRefusal(params.gitlabUrl, policy, facts));
  if (params.caBundle !== undefined) refusals.add(GITLAB, bundleRefusal(params.caBundle, policy, facts));
  const reached = reachedBy(params);
  for (const probe of params.probes) refusals.add(["gateway.host"], probeRefusal(probe, reached, policy));
  const pins = GITLAB.some((id) => refusals.has(id)) ? {} : { "gateway.gitlab": [params.gitlabUrl] };
  return { refusals: refusals.map, pins };
}

/** Whose tokens the gateway takes: it fetches the keys of this address. */
function gitlabRefusal(url: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const parsed = plainUrl(url);
  const what = "The GitLab URL";
  if (parsed === null) return urlShape(what, url, "https://gitlab.example.com");
  const address = ipAddress(parsed.host) === null ? null : addressRefusal(what, parsed.host, policy);
  const rule = {
    kind: "gateway.gitlab",
    code: "policy.gitlab-moved",
    listed: policy.gateway.gitlabUrls,
    under: "policy.gateway.gitlabUrls",
    pins: facts.pins,
  } as const;
  return address ?? pinRefusal(url, rule);
}

function bundleRefusal(path: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const rule = { what: "The CA bundle", under: "policy.gateway.caBundles", allowed: policy.gateway.caBundles };
  return certificateFileRefusal(path, facts.paths[path], rule);
}

export function reachedBy(params: GatewayParams): Reached {
  const gitlab = plainUrl(params.gitlabUrl);
  return { gitlab: gitlab === null ? null : { host: gitlab.host, port: gitlab.port }, ollama: null };
}

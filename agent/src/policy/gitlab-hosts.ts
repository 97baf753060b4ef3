import { hostPort, ipAddress } from "@fettle/shared/lib/address.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { PolicyFacts } from "./facts.ts";
import { addressRefusal } from "./hosts.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { pinRefusal } from "./pinned.ts";
import { GATEWAY_PORTS } from "./probes.ts";
import { entry, type Refusal, shown } from "./refusal.ts";
import { plainUrl, urlShape } from "./urls.ts";

const GATEWAYS = "policy.gitlab.gateways";
const MODEL_SERVERS = "policy.gitlab.modelServers";

/** The gateway that GitLab sends prompts to: a literal private address, the one of the first use, on its port. */
export function gatewayRefusal(url: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const parsed = plainUrl(url);
  const what = "The gateway that GitLab is pointed to";
  if (parsed === null || parsed.path !== "") return urlShape(what, url, "http://172.31.11.20:5052");
  const { host, port } = parsed;
  const listed = policy.gitlab.gateways;
  const address = literalRefusal(what, host, GATEWAYS, listed, policy);
  if (address !== null) return address;
  const expected = GATEWAY_PORTS.gateway;
  if (port !== expected && !listed.includes(hostPort(host, port)))
    return {
      code: "policy.port",
      args: { what, found: shown(url), expected, ...entry(GATEWAYS, hostPort(host, port)) },
    };
  if (listed.includes(hostPort(host, port))) return null;
  const rule = { kind: "gitlab.gateway", code: "policy.gateway-moved", listed, under: GATEWAYS } as const;
  return pinRefusal(host, { ...rule, pins: facts.pins });
}

/** The Agent Platform's address is the gateway's host on its own port. */
export function platformRefusal(platform: string, gatewayUrl: string, policy: LocalPolicy): Refusal | null {
  const gateway = plainUrl(gatewayUrl);
  if (gateway !== null && platform === hostPort(gateway.host, GATEWAY_PORTS.platform)) return null;
  if (policy.gitlab.gateways.includes(platform)) return null;
  const what = "The Agent Platform that GitLab is pointed to";
  return urlShape(what, platform, `the gateway's host and port ${GATEWAY_PORTS.platform}, without a scheme`);
}

/** The model server of a record: a literal private address, one of those of the first use, at /v1. */
export function endpointRefusal(endpoint: string, policy: LocalPolicy, facts: PolicyFacts): Refusal | null {
  const parsed = plainUrl(endpoint);
  const what = "The endpoint of a model";
  if (parsed === null || parsed.path !== "/v1") return urlShape(what, endpoint, "http://172.31.11.27:11434/v1");
  const listed = policy.gitlab.modelServers;
  const address = literalRefusal(what, parsed.host, MODEL_SERVERS, listed, policy);
  const rule = {
    kind: "gitlab.model-servers",
    code: "policy.model-server-moved",
    listed,
    under: MODEL_SERVERS,
  } as const;
  return address ?? pinRefusal(parsed.host, { ...rule, pins: facts.pins });
}

/** A name is allowed only when agent.yaml lists it: who answers for a name can change without this machine knowing. */
function literalRefusal(
  what: string,
  host: string,
  under: string,
  listed: readonly string[],
  policy: LocalPolicy,
): Refusal | null {
  if (ipAddress(host) !== null) return addressRefusal(what, host, policy);
  if (listed.some((allowed) => allowed === host || allowed.startsWith(`${host}:`))) return null;
  return { code: "policy.host-name", args: { what, found: shown(host), ...entry(under, host) } };
}

/** The hosts that prompts go to by these parameters, each once. */
export function promptHosts(params: GitlabParams): { gateway: string[]; modelServers: string[] } {
  const hostOf = (url: string): string[] => {
    const parsed = plainUrl(url);
    return parsed === null ? [] : [parsed.host];
  };
  const servers = params.models.flatMap(({ endpoint }) => hostOf(endpoint));
  return { gateway: hostOf(params.gatewayUrl), modelServers: [...new Set(servers)] };
}

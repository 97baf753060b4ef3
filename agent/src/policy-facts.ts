import type { PolicyFacts } from "./policy/facts.ts";
import { gitlabHost, lookAtPaths } from "./policy/look.ts";
import type { Pins } from "./policy/pins.ts";
import type { Host } from "./system/host.ts";

/** What policy needs to know of the machine for these roles; only looks. */
export async function policyFacts(
  host: Host,
  roles: Readonly<Record<string, unknown>>,
  pins: Pins,
): Promise<PolicyFacts> {
  const paths = await Promise.all(Object.values(roles).map((params) => lookAtPaths(host.files, params)));
  return {
    addresses: await host.net.addresses(),
    gitlabHost: await gitlabHost(host.files),
    paths: Object.assign({}, ...paths) as PolicyFacts["paths"],
    pins,
  };
}

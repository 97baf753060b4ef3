import type { GatewayParams } from "@fettle/shared/roles/gateway.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import { reachedBy as reachedByGateway } from "./gateway.ts";
import { reachedBy as reachedByGitlab } from "./gitlab.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { probeRefusal, type Reached } from "./probes.ts";

const reached: Readonly<Record<string, (params: unknown) => Reached>> = {
  gitlab: (params) => reachedByGitlab(params as GitlabParams),
  gateway: (params) => reachedByGateway(params as GatewayParams),
};

/** The probes of the roles that this machine lets be made, each once; `roles` are validated parameters by role. */
export function allowedProbes(roles: Readonly<Record<string, unknown>>, policy: LocalPolicy): ProbeTarget[] {
  return Object.entries(roles).flatMap(([role, params]) => {
    const reaches = Object.hasOwn(reached, role) ? (reached[role]?.(params) ?? {}) : {};
    const { probes = [] } = params as { probes?: readonly ProbeTarget[] };
    return probes.filter((probe) => probeRefusal(probe, reaches, policy) === null);
  });
}

import { ipAddress } from "@fettle/shared/lib/address.ts";
import { GATEWAY_PORT, PLATFORM_PORT } from "@fettle/shared/roles/gateway.ts";
import type { ProbeTarget } from "@fettle/shared/roles/probe.ts";
import { addressRefusal } from "./hosts.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { type Refusal, shown } from "./refusal.ts";

/** What a role reaches besides model servers: the one host and port per service that its parameters name. */
export type Reached = Partial<Record<ProbeTarget["service"], { readonly host: string; readonly port: number } | null>>;

/** Lowest port of a model server that is probed: what runs below is some other service of that machine. */
const LOWEST_MODEL_PORT = 1024;

/** A probe is allowed of what the role reaches; of a model server, only at a private address. */
export function probeRefusal(probe: ProbeTarget, reached: Reached, policy: LocalPolicy): Refusal | null {
  const refusal: Refusal = { code: "policy.probe", args: { found: shown(`${probe.host}:${probe.port}`) } };
  if (ipAddress(probe.host) !== null) {
    const address = addressRefusal("The address of a probe", probe.host, policy);
    if (address !== null) return address;
  }
  const known = reached[probe.service];
  if (known === undefined || known === null) return probe.service in reached && isModelServer(probe) ? null : refusal;
  return known.host === probe.host.toLowerCase() && known.port === probe.port ? null : refusal;
}

function isModelServer(probe: ProbeTarget): boolean {
  return probe.service === "ollama" && ipAddress(probe.host) !== null && probe.port >= LOWEST_MODEL_PORT;
}

export const GATEWAY_PORTS = { gateway: GATEWAY_PORT, platform: PLATFORM_PORT } as const;

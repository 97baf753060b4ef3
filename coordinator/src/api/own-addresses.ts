import { networkInterfaces } from "node:os";
import { ipAddress, isLoopback, isPrivate, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { Context } from "../context.ts";

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * Names and addresses under which other machines may reach this coordinator, the likeliest first: those of
 * coordinator.yaml, the one it listens on, else its machine's, private ones before public ones.
 */
export function ownAddresses(
  { names, api }: Pick<Context["config"], "names" | "api">,
  interfaces: Interfaces = networkInterfaces(),
): readonly string[] {
  const listens = isUnspecified(api.host) ? machineAddresses(interfaces) : [api.host];
  return [...new Set([...names, ...listens])];
}

/** Without loopback, and without link-local addresses, which mean something else on each machine. */
function machineAddresses(interfaces: Interfaces): string[] {
  const all = Object.entries(interfaces)
    // The Engine's own bridges: every machine that has one has the same addresses there.
    .filter(([name]) => !/^(docker|br-|veth|virbr|cni|flannel)/.test(name))
    .flatMap(([, list]) => list ?? [])
    .map(({ address }) => ipAddress(address))
    .filter((ip): ip is string => ip !== null && !isLoopback(ip) && !/^(169\.254\.|fe80:)/.test(ip));
  const rank = (ip: string): number => (isPrivate(ip) ? 0 : 2) + (ip.includes(":") ? 1 : 0);
  return all.sort((a, b) => rank(a) - rank(b));
}

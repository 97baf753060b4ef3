import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { ipAddress, isLoopback } from "@fettle/shared/lib/address.ts";

/** An address of this machine that another one could reach. */
export interface OwnAddress {
  readonly address: string;
  readonly network: string;
}

/** Networks of containers and virtual machines inside this machine: nobody else reaches them. */
const INSIDE = /^(docker|br-|veth|virbr|lxc|lxd|cni|cali|flannel|podman)/;

/** The addresses of this machine, those of the network that leads out first, IPv4 before IPv6. */
export function ownAddresses(): readonly OwnAddress[] {
  const out = networkThatLeadsOut();
  const rank = ({ network, address }: OwnAddress) => (network === out ? 0 : 2) + (address.includes(":") ? 1 : 0);
  return Object.entries(networkInterfaces())
    .filter(([network]) => !INSIDE.test(network))
    .flatMap(([network, list]) => (list ?? []).map(({ address, scopeid }) => ({ network, address, scopeid })))
    .filter(({ address, scopeid }) => !scopeid && ipAddress(address) !== null && !isLoopback(address))
    .map(({ network, address }) => ({ network, address }))
    .sort((a, b) => rank(a) - rank(b));
}

/** The interface of the IPv4 default route; null without one, as on a machine that no router leads out of. */
function networkThatLeadsOut(): string | null {
  try {
    const routes = readFileSync("/proc/net/route", "utf8").split("\n").slice(1);
    const fields = routes.map((line) => line.split("\t"));
    return (
      fields.find(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000")?.[0] ?? null
    );
  } catch {
    return null;
  }
}

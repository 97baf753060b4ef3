import type { Host } from "./host.ts";

/** An end of a cut that has no host of the lab behind it: the coordinator on the machine itself, or the site. */
export type Peer = { address: string };

/**
 * Cuts the network between two ends. Packets vanish in both directions, also those of connections that stand and
 * those that an Engine forwards to its containers; nobody gets an answer, as with a pulled cable. Addresses stay.
 * A restart of a host heals its cuts. Cutting twice is as cutting once.
 */
export async function cut(a: Host, b: Host | Peer): Promise<void> {
  await Promise.all(sides(a, b).map(([host, peer]) => nft(host, cutRules(peer))));
}

/** Undoes a cut; healing what is not cut does nothing. */
export async function heal(a: Host, b: Host | Peer): Promise<void> {
  await Promise.all(sides(a, b).map(([host, peer]) => nft(host, healRules(peer))));
}

function sides(a: Host, b: Host | Peer): [Host, string][] {
  return "container" in b
    ? [
        [a, b.address],
        [b, a.address],
      ]
    : [[a, b.address]];
}

async function nft(host: Host, rules: string): Promise<void> {
  await host.run(["nft", "--file", "-"], { input: rules });
}

function table(address: string): string {
  return `ip lab_cut_${address.replaceAll(".", "_")}`;
}

/** A table is added before it is deleted, so that the deletion works whether it was there or not. */
function healRules(address: string): string {
  return `add table ${table(address)}\ndelete table ${table(address)}\n`;
}

function cutRules(address: string): string {
  return `${healRules(address)}
table ${table(address)} {
  chain incoming { type filter hook prerouting priority -310; ip saddr ${address} drop; }
  chain leaving { type filter hook postrouting priority 310; ip daddr ${address} drop; }
}
`;
}

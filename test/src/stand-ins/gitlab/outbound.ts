import { BlockList, isIP, isIPv4 } from "node:net";
import type { State } from "./state.ts";

const PRIVATE = new BlockList();
PRIVATE.addSubnet("10.0.0.0", 8);
PRIVATE.addSubnet("172.16.0.0", 12);
PRIVATE.addSubnet("192.168.0.0", 16);
// A sandbox gives each machine a loopback address of its own, so these stand for private ones; 127.0.0.1 is localhost.
PRIVATE.addSubnet("127.0.0.0", 8);
PRIVATE.addSubnet("fc00::", 7, "ipv6");

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet("169.254.0.0", 16);
LINK_LOCAL.addSubnet("fe80::", 10, "ipv6");

/** Why the outbound filter refuses this URL, in its own words; null when it lets it pass. */
export function outboundRefusal(state: State, url: URL): string | null {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (!state.outboundFilter || allowlisted(state, host, port)) return null;
  if (state.applicationSettings.allow_local_requests_from_web_hooks_and_services) return null;
  if (host === "localhost" || host === "127.0.0.1" || host === "::1") return "Requests to localhost are not allowed";
  if (within(LINK_LOCAL, host)) return "Requests to the link local network are not allowed";
  if (within(PRIVATE, host)) return "Requests to the local network are not allowed";
  return null;
}

/** An entry is an address, a block or a name, each alone or with a port. */
function allowlisted(state: State, host: string, port: number): boolean {
  return state.applicationSettings.outbound_local_requests_whitelist.some((entry) => matches(entry, host, port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === host) return true;
  const [address, bits] = entry.split("/");
  if (bits !== undefined) return inBlock(address ?? "", Number(bits), host);
  return entry === `${host}:${port}` || entry === `[${host}]:${port}`;
}

/** Whether an address lies in a block; false for anything that is not an address. */
export function inBlock(address: string, bits: number, host: string): boolean {
  if (!isIP(address) || !isIP(host)) return false;
  const block = new BlockList();
  block.addSubnet(address, bits, isIPv4(address) ? "ipv4" : "ipv6");
  return within(block, host);
}

function within(block: BlockList, host: string): boolean {
  return isIP(host) !== 0 && block.check(host, isIPv4(host) ? "ipv4" : "ipv6");
}

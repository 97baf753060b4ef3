import { ipAddress, isPrivate, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { LocalPolicy } from "./local-policy.ts";
import { inRange } from "./ranges.ts";
import { entry, type Refusal, shown } from "./refusal.ts";

/** Metadata services that sit in ranges which are otherwise private. */
const METADATA = new Set(["100.100.100.200", "fd00:ec2::254", "fd20:ce::254"]);

/** Addresses that nothing of a stack ever has: no line in agent.yaml allows them. */
export function isReserved(ip: string): boolean {
  if (isUnspecified(ip) || METADATA.has(ip)) return true;
  if (ip.includes(":")) return /^(fe[89ab]|ff|::ffff:|64:ff9b:)/.test(ip);
  const [first = 0, second = 0] = ip.split(".").map(Number);
  return first === 0 || first >= 224 || (first === 169 && second === 254);
}

/** A literal private or loopback address (or one of this site's ranges); `what` names it in the refusal. */
export function addressRefusal(what: string, text: string, policy: LocalPolicy): Refusal | null {
  const ip = ipAddress(text);
  const found = shown(text);
  if (ip === null) return { code: "policy.address-shape", args: { what, found } };
  if (isReserved(ip)) return { code: "policy.address-reserved", args: { what, found } };
  if (isPrivate(ip) || policy.privateRanges.some((range) => inRange(ip, range))) return null;
  const range = `${ip}/${ip.includes(":") ? 128 : 32}`;
  return { code: "policy.address-public", args: { what, found, ...entry("policy.privateRanges", range) } };
}

/** An address of this machine. Loopback always is; with no known addresses nothing is refused. */
export function ownAddressRefusal(what: string, text: string, addresses: readonly string[]): Refusal | null {
  const ip = ipAddress(text);
  if (ip === null || addresses.length === 0 || ip.startsWith("127.") || ip === "::1") return null;
  if (addresses.some((own) => ipAddress(own) === ip)) return null;
  return { code: "policy.listen-elsewhere", args: { what, found: shown(text), addresses: addresses.join(", ") } };
}

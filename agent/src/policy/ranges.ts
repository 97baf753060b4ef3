import { ipAddress } from "@fettle/shared/lib/address.ts";

/** True when `ip` (canonical) lies in `range`, as in `203.0.113.0/24` or `2001:db8::/32`. A broken range holds nothing. */
export function inRange(ip: string, range: string): boolean {
  const [network = "", length = ""] = range.split("/");
  const base = ipAddress(network);
  if (base === null || base.includes(":") !== ip.includes(":")) return false;
  const bits = ip.includes(":") ? 128 : 32;
  const prefix = Number(length);
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > bits) return false;
  const shift = BigInt(bits - prefix);
  return toNumber(base) >> shift === toNumber(ip) >> shift;
}

function toNumber(ip: string): bigint {
  if (!ip.includes(":")) return ip.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = "", tail] = ip.split("::");
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<bigint>(zeros).fill(0n), ...right].reduce((sum, part) => sum * 65_536n + part, 0n);
}

function groups(text: string): bigint[] {
  return text === "" ? [] : text.split(":").map((part) => BigInt(`0x${part}`));
}

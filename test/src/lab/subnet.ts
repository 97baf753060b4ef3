import { LabError } from "./lab-error.ts";

export type Subnet = { cidr: string; base: number };

/** Reads an IPv4 network in CIDR form, at most a /27: the highest address that the lab uses is its 27th. */
export function parseSubnet(text: string): Subnet {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text);
  const [a = 256, b = 256, c = 256, d = 256, bits = 33] = (match ?? []).slice(1).map(Number);
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  const aligned = base % 2 ** (32 - bits) === 0;
  if (Math.max(a, b, c, d) > 255 || bits < 8 || bits > 27 || !aligned) {
    throw new LabError("lab.subnet.invalid", `${text} is no IPv4 network between /8 and /27, as 172.31.11.0/24 is`);
  }
  return { cidr: text, base };
}

/** The address with this number in the network. */
export function addressAt(subnet: Subnet, number: number): string {
  const address = subnet.base + number;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

import type { Subnet } from "./subnet.ts";
import { addressAt } from "./subnet.ts";

/** The three hosts that Fettle's agents stand on. */
export const hostNames = ["gitlab-1", "gateway-1", "ollama-1"] as const;
export type NodeName = (typeof hostNames)[number];
/** Where the coordinator stands in a lab that begins with bare machines. */
export const coordinatorHost = "fettle-1";
/** Where what a network without internet needs is fetched, outside of that network. */
export const connectedHost = "connected-1";
/** A machine more, which no stack knows. */
export const spareHost = "spare-1";
/** Where a lost coordinator is restored; up only for that. */
export const standbyHost = "fettle-2";
const otherHosts = [coordinatorHost, connectedHost, spareHost, standbyHost] as const;
export type HostName = NodeName | (typeof otherHosts)[number];
/**
 * Whoever has an address in the lab: the machine itself can be the coordinator, the site serves names and images, and
 * where machines are a cloud's there is its metadata service.
 */
export type PlaceName = HostName | "coordinator" | "site" | "metadata";

const numbers: Record<PlaceName, number> = {
  coordinator: 1,
  site: 5,
  metadata: 6,
  "fettle-1": 7,
  "connected-1": 8,
  "fettle-2": 9,
  "gitlab-1": 10,
  "gateway-1": 20,
  "ollama-1": 27,
  "spare-1": 28,
};

/** Names that the lab's name server knows beside the places' own. */
const aliases: Record<string, PlaceName> = {
  "gitlab.example.com": "gitlab-1",
  "fettle.example.com": "fettle-1",
  "metadata.google.internal": "metadata",
  "registry.gitlab.com": "site",
  "gitlab.com": "site",
  "registry.ollama.ai": "site",
  "github.com": "site",
  "registry-1.docker.io": "site",
  "auth.docker.io": "site",
  "packages.example.com": "site",
  "release-assets.githubusercontent.com": "site",
};

/** What the site is to the hosts: names of the outside world. */
export const outsideNames = Object.keys(aliases).filter((name) => aliases[name] === "site");

export function addressOf(subnet: Subnet, place: PlaceName): string {
  return addressAt(subnet, numbers[place]);
}

export function isHostName(text: string): text is HostName {
  return [...otherHosts, ...hostNames].some((name) => name === text);
}

/** Every name that resolves in the lab, with its address. */
export function zoneOf(subnet: Subnet): Record<string, string> {
  const places = (Object.keys(numbers) as PlaceName[]).map((place) => [place, addressOf(subnet, place)]);
  const others = Object.entries(aliases).map(([name, place]) => [name, addressOf(subnet, place)]);
  return Object.fromEntries([...places, ...others]);
}

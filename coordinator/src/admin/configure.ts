import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AGENT_PORT, API_PORT } from "@fettle/shared/api/enrol.ts";
import { hostPort, ipAddress, isPrivate, isUnspecified, splitHostPort } from "@fettle/shared/lib/address.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { type Document, isMap, parseDocument } from "yaml";
import { CONFIG_FILE, HOST_NAME, type Paths } from "../config.ts";
import type { OwnAddress } from "./own-addresses.ts";

export interface ConfigureOptions {
  /** The address to listen on; without it what the file says, else a private one of this machine. */
  readonly listen?: string;
  /** More names for the certificate; those in the file stay. */
  readonly names: readonly string[];
  readonly dryRun: boolean;
}

export interface Configured {
  readonly path: string;
  readonly changed: boolean;
  /** ADDRESS:PORT of the operators' listener. */
  readonly api: string;
  readonly agents: string;
  readonly names: readonly string[];
  /** Where operators elsewhere reach it. */
  readonly url: string;
  /** The whole file. */
  readonly text: string;
}

const NEW = `# The Fettle coordinator. After a change: systemctl restart fettle-coordinator
# api is for operators (CLI, enrolment), agents for agents only
listen:
# more names or addresses by which this machine is reached, for its certificate
names: []
# logLevel: info
`;

/**
 * Writes where the coordinator listens into coordinator.yaml; what else is in the file stays, comments too. Throws
 * `coordinator.no-private-address`, `coordinator.not-own-address`, `cli.usage`, `coordinator.bad-config`.
 */
export async function configure(
  { config }: Paths,
  { listen, names, dryRun }: ConfigureOptions,
  own: readonly OwnAddress[],
): Promise<Configured> {
  const path = join(config, CONFIG_FILE);
  const before = await readFile(path, "utf8").catch(() => null);
  const file = parsed(path, before ?? NEW);
  setListen(file, listen, own);
  const all = setNames(file, names);
  const text = file.toString({ lineWidth: 0 });
  const changed = text !== before && !sameMeaning(text, before);
  if (changed && !dryRun) await replace(path, text);
  const [api, agents] = [said(file, "api") ?? "", said(file, "agents") ?? ""];
  return { path, changed, api, agents, names: all, url: urlOf(api, all, own), text };
}

/** With a `listen` that something can be put into. Throws `coordinator.bad-config`. */
function parsed(path: string, text: string): Document {
  const file = parseDocument(text);
  const [problem] = file.errors.map(({ message }) => message.split("\n")[0] ?? "");
  if (problem !== undefined) throw new FettleError("coordinator.bad-config", { where: path, problem });
  if (file.contents !== null && !isMap(file.contents)) throw notKeys(path);
  if (file.get("listen") == null) file.set("listen", file.createNode({}));
  if (!isMap(file.get("listen"))) throw notKeys(`${path}: listen`);
  return file;
}

function notKeys(where: string): FettleError {
  return new FettleError("coordinator.bad-config", { where, problem: "keys with values are expected" });
}

/** Formatting alone is no reason to write the operator's file. */
function sameMeaning(text: string, before: string | null): boolean {
  if (before === null) return false;
  return JSON.stringify(parseDocument(text).toJS()) === JSON.stringify(parseDocument(before).toJS());
}

function said(file: Document, door: "api" | "agents"): string | undefined {
  const value = file.getIn(["listen", door]);
  return typeof value === "string" ? value : undefined;
}

function setListen(file: Document, listen: string | undefined, own: readonly OwnAddress[]): void {
  const ports = { api: API_PORT, agents: AGENT_PORT };
  const chosen = listen === undefined ? undefined : chosenAddress(listen, own);
  for (const door of ["api", "agents"] as const) {
    const there = said(file, door);
    if (there !== undefined && chosen === undefined) continue;
    const port = there === undefined ? ports[door] : (splitHostPort(there)?.port ?? ports[door]);
    file.setIn(["listen", door], hostPort(chosen ?? privateAddress(own), port));
  }
}

function chosenAddress(text: string, own: readonly OwnAddress[]): string {
  const address = ipAddress(text);
  if (address === null) throw new FettleError("cli.usage", { problem: `--listen takes an IP address, not ${text}` });
  const mine = own.some((each) => ipAddress(each.address) === address) || isUnspecified(address);
  if (!mine && !isLoopbackText(address))
    throw new FettleError("coordinator.not-own-address", { address, own: own.map((each) => each.address).join(", ") });
  return address;
}

function isLoopbackText(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function privateAddress(own: readonly OwnAddress[]): string {
  const found = own.find(({ address }) => isPrivate(address));
  if (found !== undefined) return found.address;
  throw new FettleError("coordinator.no-private-address", {
    own: own.map(({ address }) => address).join(", ") || "none",
  });
}

function setNames(file: Document, names: readonly string[]): readonly string[] {
  const bad = names.find((name) => ipAddress(name) === null && !HOST_NAME.test(name));
  if (bad !== undefined) throw new FettleError("cli.usage", { problem: `${bad} is no name of a machine` });
  const { names: given } = (file.toJS() ?? {}) as { names?: unknown };
  const there = Array.isArray(given) ? given.map(String) : [];
  const all = [...new Set([...there, ...names.map((name) => name.toLowerCase())])];
  if (all.length > there.length) file.setIn(["names"], all);
  return all;
}

function urlOf(api: string, names: readonly string[], own: readonly OwnAddress[]): string {
  const listening = splitHostPort(api);
  const address = listening === null || isUnspecified(listening.host) ? undefined : listening.host;
  const host = names[0] ?? address ?? own.find((each) => isPrivate(each.address))?.address ?? "127.0.0.1";
  return `https://${hostPort(host, listening?.port ?? API_PORT)}`;
}

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

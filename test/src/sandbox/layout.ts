import { randomInt } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NODES = ["gitlab-1", "gateway-1", "ollama-1"] as const;
export type NodeName = (typeof NODES)[number];

/** GitLab's port alone is another one than on a VM, since 443 needs root. */
export const GITLAB_PORT = 8443;
export const REGISTRY_PORT = 5000;

/** Where a sandbox lies and which loopback addresses stand for its machines. */
export interface Layout {
  /** Removed at the end; short, since Unix socket paths are. */
  readonly folder: string;
  /** The coordinator and the registries, as the world outside the three VMs. */
  readonly outside: string;
  readonly addresses: Readonly<Record<NodeName, string>>;
}

/** A new folder and addresses that another sandbox on this computer does not use. */
export function newLayout(): Layout {
  const net = `127.${randomInt(16, 250)}.${randomInt(1, 250)}`;
  return {
    folder: mkdtempSync(join(tmpdir(), "fettle-")),
    outside: `${net}.1`,
    addresses: { "gitlab-1": `${net}.10`, "gateway-1": `${net}.20`, "ollama-1": `${net}.27` },
  };
}

export function rootOf(layout: Layout, node: NodeName): string {
  return join(layout.folder, node, "root");
}

export function gitlabUrl(layout: Layout): string {
  return `https://${layout.addresses["gitlab-1"]}:${GITLAB_PORT}`;
}

export function registryUrl(layout: Layout): string {
  return `http://${layout.outside}:${REGISTRY_PORT}`;
}

/** Where the outside world's names lead. */
export function outsideHosts(layout: Layout): Readonly<Record<string, string>> {
  const registry = registryUrl(layout);
  return { "registry.ollama.ai": registry, "hf.co": registry, "registry.gitlab.com": registry };
}

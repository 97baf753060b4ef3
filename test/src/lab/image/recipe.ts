import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.ts";

/** What a host has beside the smallest system; docker.io is asleep on all hosts but the gateway's. */
export const packages = [
  ...["systemd", "systemd-sysv", "dbus", "iproute2", "iptables", "nftables", "procps"],
  ...["ca-certificates", "curl", "openssl", "zstd", "docker.io", "busybox-static"],
];

export const separateCommand = "docker-cli";

/** Laid into each host when it is made, so that a change of it builds no new image. */
export const initPath = "/usr/local/sbin/lab-init";
export const initScript = asset("lab-init.sh");
export const prepareScript = asset("prepare-host.sh");

/** Kept from the packages as they are unpacked, and without waiting for the disk at each file. */
export const dpkgOptions = [
  ...["man", "doc", "info", "locale"].map((folder) => `path-exclude=/usr/share/${folder}/*`),
  "force-unsafe-io",
  "",
].join("\n");

/** The image's settings: systemd as process 1, told that it is in a container. */
export const settings = [`CMD ["${initPath}"]`, "ENV container=docker"];

/** The same recipe gives the same tag, so an image is built once. */
export function imageTag({ mirror }: Pick<LabConfig, "mirror">): string {
  const recipe = JSON.stringify([packages, prepareScript, dpkgOptions, settings, ...(mirror === null ? [] : [mirror])]);
  return `fettle-lab-host:${createHash("sha256").update(recipe).digest("hex").slice(0, 12)}`;
}

function asset(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

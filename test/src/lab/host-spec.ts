import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { label } from "./docker.ts";
import { initScript } from "./image/recipe.ts";
import type { HostName } from "./layout.ts";
import { addressOf, connectedHost } from "./layout.ts";
import { networkName } from "./network.ts";

/** Says which shape a container was created with, so that `up` keeps the hosts that are still right. */
export const specLabel = "dev.fettle.lab.spec";

export type Machine = {
  image: string;
  cgroupVersion: string;
  /** As it is rented: nothing of the lab on it but what makes a machine of it. */
  bare?: boolean;
  /** What lies on its disk before its first start: texts at paths without the first stroke. */
  files?: readonly { path: string; text: string; mode?: number }[];
};

export function containerName(config: LabConfig, place: string): string {
  return `fettle-lab-${config.name}-${place}`;
}

/** Where a host's Engine keeps its images, which lie badly on a container's own disk; null where none has its place. */
export function engineVolume(config: LabConfig, host: HostName): string | null {
  return host === "gateway-1" || host === connectedHost ? containerName(config, `${host}-docker`) : null;
}

export function resolvConf(config: LabConfig): string {
  return join(config.folder, "resolv.conf");
}

/** `docker create` arguments of one host, without its machine id, which is drawn at creation. */
export function hostArguments(config: LabConfig, machine: Machine, host: HostName): string[] {
  const volume = engineVolume(config, host);
  const fixed = [
    ...["--name", containerName(config, host), "--hostname", host, "--label", `${label}=${config.name}`],
    ...["--network", networkName(config), "--ip", addressOf(config.subnet, host)],
    ...["--volume", `${resolvConf(config)}:/etc/resolv.conf:ro`],
    ...(volume === null ? [] : ["--volume", `${volume}:/var/lib/docker`]),
    ...["--restart", "unless-stopped", "--stop-timeout", "30"],
    ...systemd(machine.cgroupVersion),
  ];
  return [...fixed, "--label", `${specLabel}=${specHash([fixed, machine, initScript, authorityOf(config)])}`];
}

export function specHash(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

export function specOf(args: string[]): string {
  return (args.at(-1) ?? "").slice(specLabel.length + 1);
}

/**
 * What systemd and an Engine need as the first process of a container. Not `--privileged`: that would hand over the
 * machine's devices, and asks for SYS_RESOURCE, which not every machine may give.
 */
function systemd(cgroupVersion: string): string[] {
  const cgroups =
    cgroupVersion === "1"
      ? ["--cgroupns=host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
      : ["--cgroupns=private"];
  return [
    ...["--stop-signal", "SIGRTMIN+3", "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"],
    ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
    ...["--tmpfs", "/run:exec", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec"],
    ...cgroups,
  ];
}

function authorityOf(config: LabConfig): string {
  return readFileSync(join(config.folder, "pki/ca.pem"), "utf8");
}

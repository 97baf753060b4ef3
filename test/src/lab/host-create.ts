import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runPiped } from "./command.ts";
import type { LabConfig } from "./config.ts";
import { docker, inspect, label, tryDocker } from "./docker.ts";
import { Host } from "./host.ts";
import type { Machine } from "./host-spec.ts";
import { engineVolume, hostArguments, specLabel, specOf } from "./host-spec.ts";
import { initPath, initScript } from "./image/recipe.ts";
import type { HostName } from "./layout.ts";

export type Arrival = "running" | "started" | "created";

/** Sees to it that the host exists in today's shape and is up; one with another shape is made anew. */
export async function ensureHost(config: LabConfig, machine: Machine, name: HostName): Promise<Arrival> {
  const args = hostArguments(config, machine, name);
  const host = new Host(config, name);
  const found = await inspect(
    "container",
    host.container,
    `{{.State.Running}} {{index .Config.Labels "${specLabel}"}}`,
  );
  if (found === `true ${specOf(args)}`) {
    await host.waitUntilUp();
    return "running";
  }
  const kept = found === `false ${specOf(args)}`;
  if (!kept) await createHost(config, machine, host, args);
  await host.start();
  return kept ? "started" : "created";
}

/** A new machine in the place of the one that was there; it is not started. */
export async function createHost(
  config: LabConfig,
  machine: Machine,
  host: Host,
  args = hostArguments(config, machine, host.name),
): Promise<void> {
  await tryDocker(["rm", "--force", "--volumes", host.container]);
  const volume = engineVolume(config, host.name);
  if (volume !== null) await freshVolume(config, volume);
  // systemd takes its machine id from here at the first start, and writes it to the disk.
  const identity = ["--env", `container_uuid=${randomBytes(16).toString("hex")}`];
  await docker(["create", ...args, ...identity, machine.image]);
  await putFiles(config, host, machine);
}

async function freshVolume(config: LabConfig, volume: string): Promise<void> {
  await tryDocker(["volume", "rm", "--force", volume]);
  await docker(["volume", "create", "--label", `${label}=${config.name}`, volume]);
}

/** Lays files into the host before its first start. */
async function putFiles(config: LabConfig, host: Host, { bare, files = [] }: Machine): Promise<void> {
  const tree = join(config.folder, "trees", host.name);
  rmSync(tree, { recursive: true, force: true });
  place(tree, initPath.slice(1), (path) => writeFileSync(path, initScript, { mode: 0o755 }));
  const authority = join(config.folder, "pki/ca.pem");
  place(tree, "usr/local/share/ca-certificates/lab.crt", (path) => copyFileSync(authority, path));
  if (bare !== true) putEngineFiles(tree, host, authority);
  for (const { path, text, mode } of files)
    place(tree, path, (full) => writeFileSync(full, text, { mode: mode ?? 0o644 }));
  const pack = ["tar", "--create", "--owner=0", "--group=0", "--directory", tree, "."];
  await runPiped(pack, ["docker", "cp", "-", `${host.container}:/`]);
}

function putEngineFiles(tree: string, host: Host, authority: string): void {
  if (host.name === "gateway-1") {
    place(tree, "etc/docker/certs.d/registry.gitlab.com/ca.crt", (path) => copyFileSync(authority, path));
    place(tree, "etc/docker/daemon.json", (path) => writeFileSync(path, '{ "log-level": "warn" }\n'));
  } else {
    for (const unit of ["docker.service", "docker.socket", "containerd.service"]) {
      place(tree, `etc/systemd/system/${unit}`, (path) => symlinkSync("/dev/null", path));
    }
  }
}

function place(tree: string, path: string, write: (path: string) => void): void {
  const full = join(tree, path);
  mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
  write(full);
}

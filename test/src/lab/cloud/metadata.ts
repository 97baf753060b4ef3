import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { LabConfig } from "../config.ts";
import { docker, label } from "../docker.ts";
import { containerName } from "../host-spec.ts";
import { addressOf } from "../layout.ts";
import { networkName } from "../network.ts";
import type { Instance } from "./instance.ts";

const testSource = resolve(import.meta.dirname, "../..");
/** Starts the clouds' metadata service, in a container. Hosts find it at 169.254.169.254 (firmware.sh). */
export async function startMetadata(config: LabConfig, image: string): Promise<void> {
  writeInstances(config, []);
  const place = ["--network", networkName(config), "--ip", addressOf(config.subnet, "metadata")];
  const names = ["--name", containerName(config, "metadata"), "--label", `${label}=${config.name}`];
  const mounts = [`${process.execPath}:/usr/local/bin/node`, `${testSource}:/src`, `${folderOf(config)}:/data`];
  const volumes = mounts.flatMap((mount) => ["--volume", `${mount}:ro`]);
  await docker(["run", "--detach", ...names, ...place, ...volumes, image, "node", "/src/lab/cloud/metadata-main.ts"]);
}

/** Lets the metadata service know this machine, in the place of whoever had its address. */
export function tell(config: LabConfig, instance: Instance): void {
  const others = readInstances(config).filter(({ address }) => address !== instance.address);
  writeInstances(config, [...others, instance]);
}

function readInstances(config: LabConfig): Instance[] {
  return JSON.parse(readFileSync(fileOf(config), "utf8"));
}

function writeInstances(config: LabConfig, instances: readonly Instance[]): void {
  mkdirSync(folderOf(config), { recursive: true });
  writeFileSync(`${fileOf(config)}.new`, JSON.stringify(instances), { mode: 0o600 });
  renameSync(`${fileOf(config)}.new`, fileOf(config));
}

function folderOf(config: LabConfig): string {
  return join(config.folder, "metadata");
}

function fileOf(config: LabConfig): string {
  return join(folderOf(config), "instances.json");
}

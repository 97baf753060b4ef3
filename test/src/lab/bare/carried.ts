import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { runPiped } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { cgroupVersion } from "../docker-engine.ts";
import { Host } from "../host.ts";
import { ensureHost } from "../host-create.ts";
import { copyIn } from "../host-files.ts";
import { ensureBareImages } from "../image/bare-image.ts";
import { connectedHost } from "../layout.ts";
import { publishDistribution } from "../products/distribution-image.ts";
import { publishOllamaImage } from "../products/ollama-image.ts";
import type { BareLab } from "./bare-lab.ts";
import { named } from "./install-steps.ts";
import { blocksOf } from "./page.ts";

export const page = "offline.md";
/** Where it lies on each machine that it comes to. */
export const carried = "/root/carry";

/** Runs blocks of the page on a host as one types them, one after the other; what they printed. */
export function follow(host: Host, blocks: readonly string[], folder = carried, timeoutMs = 120_000): Promise<string> {
  return host.run(["sh", "-c", ["set -e", `cd ${folder}`, ...blocks].join("\n")], { timeoutMs });
}

/** A machine with internet and a Docker Engine, and no part of the stack. */
export function connectedMachine(config: LabConfig): Host {
  return new Host(config, connectedHost);
}

export async function upConnected(config: LabConfig): Promise<void> {
  const { engine } = await ensureBareImages(config);
  await ensureHost(config, { image: engine, cgroupVersion: await cgroupVersion(), bare: true }, connectedHost);
}

/** The page's first part, on the machine that has internet. `packages` says whether an Engine is carried, too. */
export async function fetchCarried(lab: BareLab, packages: boolean): Promise<string> {
  const { config, releases } = lab;
  const connected = connectedMachine(config);
  await publishOllamaImage(config);
  if (packages) await publishDistribution(config, (await ensureBareImages(config)).bare);
  const [make = "", ...others] = blocksOf(page, "## 1. On a connected machine");
  await follow(connected, [make], "/root");
  const folder = dirname(releases.coordinator);
  const script = join(folder, "install-coordinator.sh");
  for (const file of [releases.coordinator, `${releases.coordinator}.sha256`, script])
    await copyIn(connected, file, carried);
  const blocks = others.filter((block) => packages || !block.startsWith("mkdir packages"));
  assert.equal(others.length - blocks.length, packages ? 0 : 1, "the page's block with packages");
  return follow(
    connected,
    blocks.map((block) => ofThisLab(block, lab)),
    carried,
    400_000,
  );
}

/** What the page says of its example, as it is here: versions and this machine's architecture. */
export function ofThisLab(block: string, { releases }: Pick<BareLab, "releases">): string {
  const same = named(block, releases);
  if (releases.arch === "x64") return same;
  return same.replaceAll("ollama-linux-amd64", "ollama-linux-arm64").replaceAll("linux/amd64", "linux/arm64");
}

/** A disk goes from one machine to the other with a folder. */
export async function carry(from: Host, to: Host, folder = carried): Promise<void> {
  const pack = ["docker", "exec", from.container, "tar", "--create", "--directory", "/", folder.slice(1)];
  const unpack = ["docker", "exec", "--interactive", to.container, "tar", "--extract", "--directory", "/"];
  await runPiped(pack, unpack, { timeoutMs: 180_000 });
}

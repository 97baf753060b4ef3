import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { STORE } from "@fettle/agent/resources/ollama/program-store.ts";
import { OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { OLLAMA_DEFAULT } from "@fettle/shared/roles/ollama.ts";
import { pack } from "../../stand-ins/ollama/pack.ts";
import type { LabConfig } from "../config.ts";
import type { Host } from "../host.ts";
import { ensureFile } from "../host-unit.ts";
import { releasesFolder } from "../site.ts";

export type Release = { version: string; sha256: string };

/** Publishes Ollama's release at the outside world's address: the archive with a Node inside, and its sums. */
export async function publishOllama(config: LabConfig): Promise<Release> {
  const version = OLLAMA_DEFAULT;
  const folder = join(releasesFolder(config), version);
  mkdirSync(folder, { recursive: true });
  const settings = {
    STAND_IN_REGISTRY: "https://registry.ollama.ai",
    STAND_IN_CONTROL: "/usr/share/ollama/.stand-in/control.sock",
  };
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const { sha256 } = await pack({ folder, version, settings, arch });
  return { version, sha256 };
}

const program = "/usr/local/bin/ollama";
const mark = "/var/lib/lab-ollama-release";

/** Takes a program of another build off the host: its version says the same, so Fettle has no reason to replace it. */
export async function dropOtherBuild(host: Host, { sha256 }: Release): Promise<void> {
  const there = await host.exec(["cat", mark]);
  if (there.stdout === sha256) return;
  if (there.code === 0)
    await host.run(["sh", "-c", 'systemctl stop "$1"; rm -rf "$0" "$2"', STORE, OLLAMA_UNIT, program]);
  await ensureFile(host, mark, sha256);
}

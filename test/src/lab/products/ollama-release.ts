import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { OLLAMA_DEFAULT } from "@fettle/shared/roles/ollama.ts";
import { pack } from "../../stand-ins/ollama/pack.ts";
import type { LabConfig } from "../config.ts";
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

import { dirname, join, resolve } from "node:path";
import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { Files } from "../../system/files.ts";
import type { Host } from "../../system/host.ts";
import type { UnitState } from "../../system/units.ts";
import { type StoredProgram, storedProgram, versionOf } from "./program-store.ts";

/** The `ollama` that the unit starts, or that is in the PATH. */
export type InstalledProgram =
  | { readonly kind: "none"; readonly path: string }
  /** In a folder of ours. */
  | { readonly kind: "ours"; readonly path: string; readonly stored: StoredProgram }
  /** By the vendor's installer or by hand. `missing`: the part of it that is not there; null when it is whole. */
  | { readonly kind: "theirs"; readonly path: string; readonly missing: string | null }
  /** The unit starts something else under Ollama's name. */
  | { readonly kind: "foreign"; readonly path: string };

const DEFAULT_PATH = "/usr/local/bin/ollama";
const MAX_LINKS = 10;
/** From this version on every model runs in a program of its own, which lies in the library. */
const RUNNER_SINCE = "0.30.0";

/** `version`: what the running process says; null when it cannot be asked. */
export async function installedProgram(host: Host, unit: UnitState, version: string | null): Promise<InstalledProgram> {
  const started = unit.fragmentPath ? startedBy((await host.files.readText(unit.fragmentPath)) ?? "") : null;
  const path = started ?? (await host.exec.find("ollama")) ?? DEFAULT_PATH;
  if (!path.endsWith("/ollama")) return { kind: "foreign", path };
  const real = await realPath(host.files, path);
  const folder = dirname(dirname(real));
  const stored = versionOf(folder);
  if (stored !== null) return { kind: "ours", path, stored: await storedProgram(host.files, folder, stored) };
  if ((await host.files.stat(real)) === null) return { kind: "none", path };
  return { kind: "theirs", path, missing: await missingBeside(host.files, folder, version) };
}

/** The program of the last ExecStart=; null when there is none. */
function startedBy(text: string): string | null {
  const lines = text.split("\n").flatMap((line) => /^\s*ExecStart\s*=\s*[-@:+!]*"?([^\s"]+)/.exec(line)?.[1] ?? []);
  return lines.at(-1) ?? null;
}

async function realPath(files: Files, path: string): Promise<string> {
  let real = path;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const target = await files.readLink(real);
    if (target === null) break;
    real = resolve(dirname(real), target);
  }
  return real;
}

/** What a broken upgrade leaves out (facts: ollama.md section 1): the server answers, and loads no model. */
async function missingBeside(files: Files, prefix: string, version: string | null): Promise<string | null> {
  const library = join(prefix, "lib/ollama");
  if (((await files.list(library)) ?? []).length === 0) return library;
  if (version === null || compareVersions(version, RUNNER_SINCE) < 0) return null;
  const runner = await files.stat(join(library, "llama-server"));
  return runner === null ? join(library, "llama-server") : null;
}

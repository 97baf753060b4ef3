import { dirname, join, relative } from "node:path";
import type { ArchiveManifest } from "../../system/archives.ts";
import type { Files } from "../../system/files.ts";
import type { Host } from "../../system/host.ts";

/**
 * Where Fettle keeps the Ollama programs that it unpacked, a folder each, `<version>-<number>` with `bin` and `lib` in
 * it. `ollama` in the PATH is a link into one of them, so that one rename changes program and library together, and
 * the running process keeps the library that it was started with (it looks beside the real path of its program).
 */
export const STORE = "/usr/local/lib/fettle-ollama";
const NAME = /^(\d+\.\d+\.\d+(?:-rc\d+)?)-(\d+)$/;
/** Ends the name of a folder that is being filled. */
export const UNFINISHED = ".new";
/** Which process was running when the link was last changed: it still has the program from before. */
export const REPLACED = `${STORE}/replaced.json`;

export interface StoredProgram {
  readonly folder: string;
  readonly version: string;
  /** The first thing that is not as it was unpacked; null when it is whole. */
  readonly missing: string | null;
}

/** The version of a folder in the store; null for any other path. */
export function versionOf(folder: string): string | null {
  return dirname(folder) === STORE ? (NAME.exec(folder.slice(STORE.length + 1))?.[1] ?? null) : null;
}

/** Every folder in the store, finished or not. */
export async function storeFolders(files: Files): Promise<readonly string[]> {
  const names = (await files.list(STORE)) ?? [];
  const ours = names.filter((name) => NAME.test(name.replace(new RegExp(`\\${UNFINISHED}$`), "")));
  return ours.map((name) => `${STORE}/${name}`);
}

/** A name for the next program of a version that none has had. */
export function nextFolder(version: string, folders: readonly string[]): string {
  const numbers = folders.flatMap((folder) => {
    const match = NAME.exec(folder.slice(STORE.length + 1).replace(UNFINISHED, ""));
    return match?.[1] === version ? Number(match[2]) : [];
  });
  return `${STORE}/${version}-${Math.max(0, ...numbers) + 1}`;
}

/** A finished folder, compared with the manifest that was written when it was unpacked. */
export async function storedProgram(files: Files, folder: string, version: string): Promise<StoredProgram> {
  return { folder, version, missing: await missingIn(files, folder) };
}

async function missingIn(files: Files, folder: string): Promise<string | null> {
  const manifest = manifestOf((await files.readText(`${folder}/manifest.json`)) ?? "");
  if (manifest === null) return "manifest.json";
  for (const [path, size] of Object.entries(manifest.files)) {
    const stat = await files.stat(`${folder}/${path}`);
    if (stat?.kind !== "file" || stat.size !== size) return path;
  }
  for (const [path, target] of Object.entries(manifest.links))
    if ((await files.readLink(`${folder}/${path}`)) !== target) return path;
  return Object.hasOwn(manifest.files, "bin/ollama") ? null : "bin/ollama";
}

function manifestOf(text: string): ArchiveManifest | null {
  try {
    return JSON.parse(text) as ArchiveManifest;
  } catch {
    return null;
  }
}

/** Makes `program` lead to the folder's; `pid` is the process that runs now, 0 for none. */
export async function switchTo(host: Host, folder: string, program: string, pid: number): Promise<void> {
  const { bootId } = await host.metrics.facts();
  // Before the link: a crash in between costs a restart that was not needed, not one that is missing.
  if (pid > 0) await host.files.writeAtomic(REPLACED, JSON.stringify({ bootId, pid }), { mode: 0o644 });
  await host.files.link(relative(dirname(program), join(folder, "bin/ollama")), program);
}

/** True while the process runs a program from before the last change. */
export async function runsReplaced(host: Host, pid: number): Promise<boolean> {
  const text = pid > 0 ? await host.files.readText(REPLACED) : null;
  if (text === null) return false;
  const replaced = JSON.parse(text) as { bootId?: unknown; pid?: unknown };
  return replaced.pid === pid && replaced.bootId === (await host.metrics.facts()).bootId;
}

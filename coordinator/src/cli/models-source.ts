import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { MOST_MANIFEST_BYTES } from "@fettle/shared/mirror/model-manifest.ts";
import { tarMembers } from "./tar-members.ts";

export interface FoundFile {
  readonly path: string;
  readonly size: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** An Ollama's models, in the folder that it keeps them in or in a tar of it. */
export interface ModelsSource {
  /** The manifest below `manifests/`, as bytes; null when there is none. */
  manifest(path: string): Promise<Buffer | null>;
  /** Of these files in `blobs/`, each that is there; each is to be read before the next is asked for. */
  blobs(names: ReadonlySet<string>): AsyncIterable<FoundFile & { readonly name: string }>;
}

/** Throws `cli.file-unreadable`. */
export async function modelsSource(from: string): Promise<ModelsSource> {
  const found = await stat(from).catch(() => null);
  if (found === null) throw new FettleError("cli.file-unreadable", { file: from, problem: "there is no such file" });
  return found.isDirectory() ? folderSource(await modelsBelow(from)) : tarSource(from);
}

/** `…/models` itself, or the folder above it. */
async function modelsBelow(folder: string): Promise<string> {
  const inside = join(folder, "models");
  const isThere = (path: string) => stat(join(path, "manifests")).catch(() => null);
  return (await isThere(folder)) === null && (await isThere(inside)) !== null ? inside : folder;
}

function folderSource(folder: string): ModelsSource {
  return {
    manifest: (path) => readFile(join(folder, "manifests", path)).catch(() => null),
    async *blobs(names) {
      for (const name of names) {
        const path = join(folder, "blobs", name);
        const found = await stat(path).catch(() => null);
        if (found !== null) yield { name, path, size: found.size, chunks: () => createReadStream(path) };
      }
    },
  };
}

function tarSource(file: string): ModelsSource {
  return {
    async manifest(path) {
      for await (const member of tarMembers(file)) {
        if (!`/${member.path}`.endsWith(`/manifests/${path}`) || member.size > MOST_MANIFEST_BYTES) continue;
        const chunks: Uint8Array[] = [];
        for await (const chunk of member.chunks()) chunks.push(chunk);
        return Buffer.concat(chunks);
      }
      return null;
    },
    async *blobs(names) {
      for await (const member of tarMembers(file)) {
        const name = /(?:^|\/)blobs\/(sha256-[0-9a-f]{64})$/.exec(member.path)?.[1];
        if (name !== undefined && names.has(name)) yield { ...member, name };
      }
    },
  };
}

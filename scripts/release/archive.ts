import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { Header } from "tar";

/** A file in an archive: its path there, and what is in it or where that lies. */
export interface Entry {
  readonly path: string;
  readonly content: Buffer | string | { readonly file: string };
  readonly executable?: boolean;
}

export interface Written {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

const BLOCK = 512;
/** 2020-01-01: one time for everything, and none that tar calls implausible. */
const MTIME = new Date(1_577_836_800_000);

/** Writes a `.tar.gz` that is the same to the byte for the same entries: names sorted, owner root, modes and time fixed. */
export async function writeArchive(path: string, entries: readonly Entry[]): Promise<Written> {
  const hash = createHash("sha256");
  let size = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  await pipeline(Readable.from(blocks(entries)), createGzip({ level: 9 }), measure, createWriteStream(path));
  return { size, sha256: hash.digest("hex") };
}

async function* blocks(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  const files = new Map(entries.map((entry) => [entry.path, entry]));
  if (files.size !== entries.length) throw new Error("a path comes twice in an archive");
  for (const path of [...files.keys(), ...foldersOf(files.keys())].sort()) {
    const entry = files.get(path);
    if (entry === undefined) yield header(path, { mode: 0o755, size: 0, type: "Directory" });
    else yield* file(entry);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(`${folder}/`);
  }
  return folders;
}

async function* file({ path, content, executable = false }: Entry): AsyncGenerator<Buffer> {
  const bytes = await bytesOf(content);
  yield header(path, { mode: executable ? 0o755 : 0o644, size: bytes.length, type: "File" });
  yield bytes;
  yield Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
}

async function bytesOf(content: Entry["content"]): Promise<Buffer> {
  if (Buffer.isBuffer(content)) return content;
  return typeof content === "string" ? Buffer.from(content) : await readFile(content.file);
}

function header(path: string, what: { mode: number; size: number; type: "File" | "Directory" }): Buffer {
  const block = Buffer.alloc(BLOCK);
  const needsMore = new Header({ path, ...what, mtime: MTIME, uid: 0, gid: 0, uname: "", gname: "" }).encode(block, 0);
  if (needsMore) throw new Error(`${path} does not fit into a plain tar header`);
  return block;
}

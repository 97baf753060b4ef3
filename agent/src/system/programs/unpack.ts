/**
 * `unpack INTO <ARCHIVE` or `unpack INTO ARCHIVE` (.tar.zst or .tar.gz): a program of its own, run as an unprivileged user. Refuses the whole archive for one
 * name or link that leads out of the folder, for anything but files, folders and links, and for a size beyond reason.
 */
import { once } from "node:events";
import { createReadStream, fstatSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { Counter } from "./counter.ts";
import { Tree } from "./tree.ts";
import { unpackTar } from "./unpack-tar.ts";

/** The decoder's default; the vendor's archives are made with it. Memory is bounded by it. */
const WINDOW_LOG = 27;

async function run(): Promise<void> {
  const [into = "", path] = process.argv.slice(2);
  if (!into.startsWith("/")) throw new Error("usage: unpack INTO [ARCHIVE]");
  if ((await readdir(into)).length > 0) throw new Error(`${into} is not empty`);
  // Modes are as the archive says, whoever starts it.
  process.umask(0o022);
  const archive = path === undefined ? process.stdin : createReadStream(path);
  const size = path === undefined ? fstatSync(0).size : statSync(path).size;
  const counter = new Counter(size, (line) => process.stdout.write(`${line}\n`));
  const tree = new Tree(into);
  const plain = await decompressor(archive);
  await pipeline(archive, counter.stream(), plain, unpackTar(tree));
  await tree.finish();
  counter.end();
}

/** By the first two bytes, which are put back. */
async function decompressor(archive: Readable) {
  await once(archive, "readable");
  const first: Buffer | null = archive.read();
  if (first !== null) archive.unshift(first);
  if (first?.[0] === 0x1f && first[1] === 0x8b) return createGunzip();
  return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } });
}

run().catch((error: unknown) => {
  process.stderr.write(`unpack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

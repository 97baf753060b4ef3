/**
 * `unpack INTO <ARCHIVE` (.tar.zst or .tar.gz): a program of its own, run as an unprivileged user. Refuses the whole archive for one
 * name or link that leads out of the folder, for anything but files, folders and links, and for a size beyond reason.
 */
import { once } from "node:events";
import { fstatSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import { Counter } from "./counter.ts";
import { Tree } from "./tree.ts";
import { unpackTar } from "./unpack-tar.ts";

/** The decoder's default; the vendor's archives are made with it. Memory is bounded by it. */
const WINDOW_LOG = 27;

async function run(): Promise<void> {
  const [into = ""] = process.argv.slice(2);
  if (!into.startsWith("/")) throw new Error("usage: unpack INTO <ARCHIVE");
  if ((await readdir(into)).length > 0) throw new Error(`${into} is not empty`);
  const counter = new Counter(fstatSync(0).size, (line) => process.stdout.write(`${line}\n`));
  const tree = new Tree(into);
  const plain = await decompressor();
  await pipeline(process.stdin, counter.stream(), plain, unpackTar(tree));
  await tree.finish();
  counter.end();
}

/** By the first two bytes, which are put back. */
async function decompressor() {
  await once(process.stdin, "readable");
  const first: Buffer | null = process.stdin.read();
  if (first !== null) process.stdin.unshift(first);
  if (first?.[0] === 0x1f && first[1] === 0x8b) return createGunzip();
  return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } });
}

run().catch((error: unknown) => {
  process.stderr.write(`unpack: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

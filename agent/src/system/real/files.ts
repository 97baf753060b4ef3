import type { Stats } from "node:fs";
import { lstat, mkdir, open, readdir, readlink, rename, rm, statfs, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { FileStat, Files, Space, WriteOptions } from "../files.ts";
import { append } from "./append.ts";
import { makeFifo, readFifo } from "./fifo.ts";
import { chunks, readBytes } from "./file-bytes.ts";
import { readText } from "./read-text.ts";
import { removeTree } from "./remove-tree.ts";
import { sha256 } from "./sha256.ts";
import { unless } from "./system-error.ts";
import { besides, makeParents, READ_FOLDER, setOwner, syncFolder, writeAtomic } from "./write-atomic.ts";

/** A path below a file that is no folder is as absent as one below nothing. */
const ABSENT = ["ENOENT", "ENOTDIR"];

export const realFiles: Files = {
  readText,
  readBytes,
  chunks,
  writeAtomic,
  append,
  stat: (path) => unless(ABSENT, async () => describe(await lstat(path))),
  list: (path) => unless(ABSENT, async () => (await readdir(path)).sort()),
  makeFolder,
  rename: async (from, to) => {
    await rename(from, to);
    await syncFolder(dirname(to));
  },
  remove: (path) => rm(path, { force: true }),
  removeTree,
  readLink: (path) => unless([...ABSENT, "EINVAL"], () => readlink(path)),
  link,
  space,
  makeFifo,
  readFifo,
  sha256,
  native: (path) => path,
};

function describe(stats: Stats): FileStat {
  const { size, uid, gid, mtimeMs } = stats;
  return { kind: kindOf(stats), size, mode: stats.mode & 0o7777, uid, gid, mtimeMs };
}

function kindOf(stats: Stats): FileStat["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "link";
  return stats.isFIFO() ? "fifo" : "other";
}

async function makeFolder(path: string, options: WriteOptions): Promise<void> {
  await makeParents(path);
  await unless(["EEXIST"], () => mkdir(path, { mode: options.mode }));
  const folder = await open(path, READ_FOLDER);
  try {
    await setOwner(folder, options);
  } finally {
    await folder.close();
  }
}

async function link(target: string, path: string): Promise<void> {
  await makeParents(path);
  const temporary = besides(path);
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

async function space(path: string): Promise<Space> {
  const found = await unless(ABSENT, () => statfs(path));
  if (found === null) return space(dirname(path));
  return {
    totalBytes: found.blocks * found.bsize,
    freeBytes: found.bavail * found.bsize,
    totalInodes: found.files,
    freeInodes: found.ffree,
  };
}

import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, readdir, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { systemError, unless } from "./system-error.ts";

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Walks by open folders (/proc/self/fd), never by a path that can change under it: whoever swaps a folder for a link
 * in the middle gets an error, not somebody else's files removed. Stays on the file system it began on.
 */
export async function removeTree(path: string): Promise<void> {
  const whole = resolve(path);
  if (dirname(whole) === dirname(dirname(whole))) throw systemError("EPERM", `${whole} is not removed as a tree`);
  const parent = await unless(["ENOENT", "ENOTDIR"], () => open(dirname(whole), constants.O_RDONLY));
  if (parent === null) return;
  try {
    await removeEntry(parent, basename(whole), (await parent.stat()).dev);
  } finally {
    await parent.close();
  }
}

async function removeEntry(parent: FileHandle, name: string, device: number): Promise<void> {
  const path = `/proc/self/fd/${parent.fd}/${name}`;
  const folder = await unless(["ENOTDIR", "ELOOP", "ENOENT"], () => open(path, FOLDER));
  if (folder === null) {
    await unless(["ENOENT"], () => unlink(path));
    return;
  }
  try {
    await empty(folder, device);
  } finally {
    await folder.close();
  }
  await unless(["ENOENT"], () => rmdir(path));
}

async function empty(folder: FileHandle, device: number): Promise<void> {
  if ((await folder.stat()).dev !== device) {
    throw systemError("EXDEV", "a file system is mounted inside the tree");
  }
  for (const name of await readdir(`/proc/self/fd/${folder.fd}`)) await removeEntry(folder, name, device);
}

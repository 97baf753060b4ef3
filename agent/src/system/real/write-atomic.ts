import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { WriteOptions } from "../files.ts";

/** A new file of our own: an entry that somebody else put there, a link above all, is not written through. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** A folder itself, never what a link in its place points to. */
export const READ_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The last write to each path that is still under way: two at once would share the temporary file. */
const underWay = new Map<string, Promise<void>>();

export async function writeAtomic(path: string, data: string | Uint8Array, options: WriteOptions): Promise<void> {
  const before = underWay.get(path);
  const write = (before ?? Promise.resolve()).catch(() => {}).then(() => replace(path, data, options));
  underWay.set(path, write);
  try {
    await write;
  } finally {
    if (underWay.get(path) === write) underWay.delete(path);
  }
}

/**
 * The name of the temporary file: always the same, so that a crash leaves one at most and the next write takes it
 * away, and with no ending that anybody reads a folder for (systemd takes `*.conf`).
 */
export function besides(path: string): string {
  return `${dirname(path)}/.${basename(path)}.fettle-new`;
}

async function replace(path: string, data: string | Uint8Array, options: WriteOptions): Promise<void> {
  await makeParents(path);
  const temporary = besides(path);
  await rm(temporary, { force: true });
  try {
    await fill(temporary, data, options);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function fill(path: string, data: string | Uint8Array, options: WriteOptions): Promise<void> {
  const file = await open(path, NEW_FILE, 0o600);
  try {
    await file.writeFile(data);
    await setOwner(file, options);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Owner first: a change of owner takes setuid bits away. */
export async function setOwner(file: FileHandle, { mode, uid, gid }: WriteOptions): Promise<void> {
  if (uid !== undefined || gid !== undefined) await file.chown(uid ?? KEEP, gid ?? KEEP);
  await file.chmod(mode);
}

/** Makes the folders above `path`, durably, 0755 whatever the umask is. */
export async function makeParents(path: string): Promise<void> {
  const parent = dirname(path);
  const first = await mkdir(parent, { recursive: true, mode: 0o755 });
  if (first === undefined) return;
  for (let folder = parent; ; folder = dirname(folder)) {
    await chmod(folder, 0o755);
    await syncFolder(dirname(folder));
    if (folder === first) return;
  }
}

/** Makes a rename or a new entry durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What chown takes for "as it is": (uid_t) -1. */
const KEEP = 2 ** 32 - 1;

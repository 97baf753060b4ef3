import { randomUUID } from "node:crypto";
import { access, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";

/** Writes the file whole or not at all, and on disk before this resolves. */
export async function writePem(path: string, text: string, mode: 0o600 | 0o644): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  try {
    const file = await open(beside, "wx", mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await unlink(beside).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** What was renamed in the folder is on disk before this resolves. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The file's text. Throws `coordinator.bad-pki`. */
export async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new FettleError("coordinator.bad-pki", { path, problem: messageOf(error) }, { cause: error });
  }
}

/** A private key's text. Throws `coordinator.exposed` when anybody but the owner can read it. */
export async function readKey(path: string): Promise<string> {
  const text = await readPem(path);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new FettleError("coordinator.exposed", { path, mode: (mode & 0o777).toString(8) });
  return text;
}

export async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

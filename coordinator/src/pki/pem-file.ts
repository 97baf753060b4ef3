import { access, readFile, stat } from "node:fs/promises";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";

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

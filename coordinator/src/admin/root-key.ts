import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Paths } from "../config.ts";
import { syncFolder, writeDurably } from "../durable.ts";
import { ROOT_KEY_FILE } from "../pki/authority.ts";
import { isThere, readKey } from "../pki/pem-file.ts";

/**
 * Takes the root's key off this machine: written to the file (0600) and read back before it is removed here. Only the
 * renewal of the issuing CA, every few years, needs it again. Throws `coordinator.root-away`, `coordinator.rotating`,
 * `coordinator.root-not-moved`; the key is in one place at least whatever happens.
 */
export async function exportRootKey({ data }: Paths, to: string): Promise<void> {
  const own = await ownKeyPath(data);
  if (!(await isThere(own))) throw new FettleError("coordinator.root-away", { path: own });
  if (await isThere(to))
    throw new FettleError("coordinator.root-not-moved", { path: to, problem: "there is such a file" });
  const text = await readKey(own);
  try {
    await writeDurably(to, text, 0o600);
    if ((await readFile(to, "utf8")) !== text) throw new Error("what was written reads as something else");
  } catch (error) {
    throw new FettleError("coordinator.root-not-moved", { path: to, problem: messageOf(error) }, { cause: error });
  }
  await rm(own);
  await syncFolder(join(data, "pki"));
}

/** Brings the root's key back; the file stays. Throws `coordinator.root-not-moved` when it is not this root's. */
export async function importRootKey({ data }: Paths, from: string): Promise<void> {
  const own = await ownKeyPath(data);
  const root = new X509Certificate(await readFile(join(data, "pki", "ca.pem"), "utf8"));
  let text: string;
  try {
    text = await readFile(from, "utf8");
    if (!root.checkPrivateKey(createPrivateKey(text))) throw new Error("it is not the key of this coordinator's root");
  } catch (error) {
    throw new FettleError("coordinator.root-not-moved", { path: from, problem: messageOf(error) }, { cause: error });
  }
  await writeDurably(own, text, 0o600);
}

/** During a rotation it is not clear which root is meant. */
async function ownKeyPath(data: string): Promise<string> {
  for (const beside of ["next", "old"])
    if (await isThere(join(data, "pki", beside))) throw new FettleError("coordinator.rotating");
  return join(data, "pki", ROOT_KEY_FILE);
}

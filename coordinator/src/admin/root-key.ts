import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Paths } from "../config.ts";
import { syncFolder, writeDurably } from "../durable.ts";
import { ROOT_KEY_FILE } from "../pki/authority.ts";
import { isThere, readKey } from "../pki/pem-file.ts";

/**
 * Takes the root's key off this machine: written to the file (0600) and read back before it is removed here. Only the
 * renewal of the issuing CA, every few years, needs it again. With a passphrase the file is encrypted (PKCS#8, AES-256).
 * Throws `coordinator.root-away`, `coordinator.rotating`, `coordinator.root-not-moved`; the key is in one place at least
 * whatever happens.
 */
export async function exportRootKey({ data }: Paths, to: string, passphrase: Secret | null): Promise<void> {
  const own = await ownKeyPath(data);
  if (!(await isThere(own))) throw new FettleError("coordinator.root-away", { path: own });
  if (await isThere(to))
    throw new FettleError("coordinator.root-not-moved", { path: to, problem: "there is such a file" });
  const text = await readKey(own);
  try {
    await writeDurably(to, passphrase === null ? text : locked(text, passphrase), 0o600);
    if (opened(await readFile(to, "utf8"), passphrase) !== text)
      throw new Error("what was written reads as something else");
  } catch (error) {
    throw new FettleError("coordinator.root-not-moved", { path: to, problem: messageOf(error) }, { cause: error });
  }
  await rm(own);
  await syncFolder(join(data, "pki"));
}

/** Brings the root's key back; the file stays. Throws `coordinator.root-not-moved` when it is not this root's. */
export async function importRootKey({ data }: Paths, from: string, passphrase: Secret | null): Promise<void> {
  const own = await ownKeyPath(data);
  const root = new X509Certificate(await readFile(join(data, "pki", "ca.pem"), "utf8"));
  let text: string;
  try {
    text = opened(await readFile(from, "utf8"), passphrase);
    if (!root.checkPrivateKey(createPrivateKey(text))) throw new Error("it is not the key of this coordinator's root");
  } catch (error) {
    throw new FettleError("coordinator.root-not-moved", { path: from, problem: messageOf(error) }, { cause: error });
  }
  await writeDurably(own, text, 0o600);
}

function locked(key: string, passphrase: Secret): string {
  const how = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: passphrase.reveal() } as const;
  return createPrivateKey(key).export(how).toString();
}

/** The key as it lies here: not encrypted. Throws what can be said to a person. */
function opened(text: string, passphrase: Secret | null): string {
  if (!text.includes("BEGIN ENCRYPTED PRIVATE KEY")) return text;
  if (passphrase === null) throw new Error("it is encrypted: add `--passphrase-file FILE`");
  try {
    const key = createPrivateKey({ key: text, passphrase: passphrase.reveal() });
    return key.export({ type: "pkcs8", format: "pem" }).toString();
  } catch {
    throw new Error("the passphrase is another one");
  }
}

/** During a rotation it is not clear which root is meant. */
async function ownKeyPath(data: string): Promise<string> {
  for (const beside of ["next", "old"])
    if (await isThere(join(data, "pki", beside))) throw new FettleError("coordinator.rotating");
  return join(data, "pki", ROOT_KEY_FILE);
}

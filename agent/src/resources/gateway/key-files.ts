import { createPrivateKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { Files } from "../../system/files.ts";
import type { KeyName } from "./key-names.ts";

export interface KeyFile {
  readonly name: KeyName;
  /** As the gateway is given it; null when there is none that serves. */
  readonly pem: string | null;
  /** What keeps it from serving, in words without the key; null when nothing does. */
  readonly problem: string | null;
}

const BITS = 2048;
const MAX_BYTES = 16 * 1024;
const generate = promisify(generateKeyPair);

export function keyPath(folder: string, name: KeyName): string {
  return `${folder}/gateway-${name}.pem`;
}

/** Reads one key file; whatever it holds is told to `remember` first. */
export async function readKey(
  files: Files,
  folder: string,
  name: KeyName,
  remember: (secret: string) => void,
): Promise<KeyFile> {
  const path = keyPath(folder, name);
  const stat = await files.stat(path);
  if (stat === null) return { name, pem: null, problem: "absent" };
  if (stat.kind !== "file") return { name, pem: null, problem: `a ${stat.kind}` };
  const pem = (await files.readText(path, MAX_BYTES)) ?? "";
  remember(pem);
  if (!isRsa(pem)) return { name, pem: null, problem: "no RSA key of 2048 bits" };
  const open = (stat.mode & 0o077) !== 0 || stat.uid !== 0;
  return { name, pem, problem: open ? `mode ${stat.mode.toString(8).padStart(4, "0")}` : null };
}

export async function newKey(): Promise<string> {
  const { privateKey } = await generate("rsa", {
    modulusLength: BITS,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return privateKey;
}

function isRsa(pem: string): boolean {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= BITS;
  } catch {
    return false;
  }
}

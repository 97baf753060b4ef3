import type { Files } from "../../system/files.ts";
import { keyPath, readKey } from "./key-files.ts";
import { KEYS, type KeyName } from "./key-names.ts";
import { SECRETS } from "./names.ts";

/**
 * Where the signing keys of a container stay when the agent leaves the machine. An agent that comes back takes them
 * from here, so that the container it finds is still the declared one.
 */
export const SET_ASIDE = "/var/lib/fettle-gateway-keys";

const MAX_BYTES = 16 * 1024;

/** Moves the keys there, one after the other; what is there already from an earlier, broken move stays as it is. */
export async function setKeysAside(files: Files, secretsFolder: string): Promise<void> {
  for (const name of Object.keys(KEYS) as KeyName[]) {
    const pem = await files.readText(keyPath(secretsFolder, name), MAX_BYTES);
    if (pem === null) continue;
    await files.makeFolder(SET_ASIDE, { mode: 0o700 });
    await files.writeAtomic(keyPath(SET_ASIDE, name), pem, { mode: 0o600 });
    await files.remove(keyPath(secretsFolder, name));
  }
}

/** The key that was set aside; null when there is none that serves. Only the agent's own folder has a past. */
export async function setAsideKey(
  files: Files,
  secretsFolder: string,
  name: KeyName,
  remember: (secret: string) => void,
): Promise<string | null> {
  if (secretsFolder !== SECRETS) return null;
  return (await readKey(files, SET_ASIDE, name, remember)).pem;
}

/** Once the key lies in the agent's folder again. */
export async function forgetSetAside(files: Files, name: KeyName): Promise<void> {
  await files.remove(keyPath(SET_ASIDE, name));
  if ((await files.list(SET_ASIDE))?.length === 0) await files.removeTree(SET_ASIDE);
}

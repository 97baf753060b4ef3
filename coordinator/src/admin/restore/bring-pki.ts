import { chmod, copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { loadAuthority } from "../../pki/authority.ts";
import { type BackupFile, type Manifest, PKI } from "../backup/manifest.ts";
import { filesBelow } from "../backup/sums.ts";

/**
 * Sees to it that `pki/` lies in `folder`, with the keys that the backup's coordinator had: out of the backup, or, when
 * it was made without, from where it was kept apart. Throws `backup.no-pki`, `backup.other-pki`, `coordinator.bad-pki`.
 */
export async function bringPki(
  file: string,
  { withCa, pki }: Manifest,
  apart: string | null,
  folder: string,
): Promise<void> {
  const own = join(folder, PKI);
  if (!withCa) {
    if (apart === null) throw new FettleError("backup.no-pki", { file });
    await copyApart(apart, pki, folder);
  }
  for (const { path } of await filesBelow(own, PKI))
    await chmod(join(folder, path), path.endsWith(".key") ? 0o600 : 0o644);
  await loadAuthority(own);
}

/** What may have been taken off the machine since: nothing that runs needs it. */
const ROOT_KEY = "pki/ca.key";

/** Certificates may have been renewed since; a key that is another one makes it another coordinator. */
async function copyApart(apart: string, known: readonly BackupFile[], folder: string): Promise<void> {
  const found = await filesBelow(apart, PKI).catch((error: unknown) => {
    throw new FettleError("backup.unreadable", { file: apart, problem: messageOf(error) }, { cause: error });
  });
  for (const { path, sha256 } of known.filter((each) => each.path.endsWith(".key"))) {
    const here = found.find((each) => each.path === path);
    if (here === undefined && path === ROOT_KEY) continue;
    const problem = here === undefined ? "it is missing" : "it is another key";
    if (here?.sha256 !== sha256)
      throw new FettleError("backup.other-pki", { path: join(apart, path.slice(PKI.length)), problem });
  }
  for (const { path } of found) {
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    await copyFile(join(apart, path.slice(PKI.length)), join(folder, path));
  }
}

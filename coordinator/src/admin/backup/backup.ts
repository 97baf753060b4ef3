import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Paths } from "../../config.ts";
import { withWorkFolder } from "../work-folder.ts";
import type { Manifest } from "./manifest.ts";
import { pack } from "./members.ts";
import { seal } from "./sealed.ts";
import { membersOf, takeSnapshot } from "./snapshot.ts";
import { writeWhole } from "./write-whole.ts";

export interface BackupOptions {
  /** A file's name, or a folder that is there: then the name holds the time. */
  readonly to: string;
  readonly passphrase: Secret;
  readonly withCa: boolean;
  readonly force: boolean;
}

export interface BackedUp extends Pick<Manifest, "coordinatorId" | "epoch" | "madeAt" | "withCa" | "apart"> {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Writes one encrypted file that holds this machine's coordinator as of now, whether it runs or not. Throws
 * `store.not-initialised` and the codes of `backup.*`; a file that was there stays as it was.
 */
export async function backup(
  paths: Paths,
  options: BackupOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<BackedUp> {
  const { passphrase, withCa, force } = options;
  const at = clock.now();
  if (!existsSync(join(paths.data, "fettle.db")))
    throw new FettleError("store.not-initialised", { folder: paths.data });
  const file = fileOf(options.to, at);
  if (!force && existsSync(file)) throw new FettleError("backup.exists", { file });
  return await withWorkFolder(paths.data, "backup", async (folder) => {
    const manifest = await takeSnapshot(paths, folder, { withCa, at, signal });
    const sealed = await seal(passphrase, pack(membersOf(manifest, folder), at));
    const bytes = await writeWhole(file, sealed, { force, signal });
    const { coordinatorId, epoch, madeAt, apart } = manifest;
    return { file, bytes, coordinatorId, epoch, madeAt, withCa, apart };
  }).catch((error: unknown) => {
    if (error instanceof FettleError || signal.aborted) throw error;
    throw new FettleError(
      "backup.data-unreadable",
      { folder: paths.data, problem: messageOf(error) },
      { cause: error },
    );
  });
}

function fileOf(to: string, at: number): string {
  const path = resolve(to);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(path, `fettle-${new Date(at).toISOString().replace(/[-:]|\.\d+/g, "")}.age`) : path;
}

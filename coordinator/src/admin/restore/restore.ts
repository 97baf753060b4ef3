import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Paths } from "../../config.ts";
import { keptApart } from "../backup/apart.ts";
import type { Manifest } from "../backup/manifest.ts";
import { giveToOwner } from "../ownership.ts";
import { withWorkFolder } from "../work-folder.ts";
import { type Anew, beginAnew } from "./begin-anew.ts";
import { type Brought, bringConfiguration, takeBack } from "./bring-configuration.ts";
import { bringPki } from "./bring-pki.ts";
import { withDataFolder } from "./data-folder.ts";
import { nextEpoch } from "./next-epoch.ts";
import { openBackup } from "./open-backup.ts";
import { answers, isOpen } from "./running.ts";
import { settle } from "./settle.ts";

export interface RestoreOptions {
  readonly from: string;
  readonly passphrase: Secret;
  /** Whether a coordinator that is here may be moved aside. */
  readonly replace: boolean;
  /** The folder pki/ that was kept apart from a backup made without. */
  readonly pki: string | null;
  /** At least this one; null is the next one after all that is known here. */
  readonly epoch: number | null;
}

export interface Restored extends Anew, Pick<Manifest, "coordinatorId" | "madeAt"> {
  readonly file: string;
  readonly configuration: Brought;
  /** Mirrored files and releases that the backup's coordinator had and this machine has not. */
  readonly missing: readonly string[];
  /** Where the coordinator that was here lies now. */
  readonly aside: string | null;
}

/**
 * Makes this machine's coordinator from a backup. Everything is checked in a folder of its own before anything that was
 * here is touched; whatever is thrown (the codes of `backup.*`, `coordinator.bad-pki`), nothing was changed.
 */
export async function restore(
  paths: Paths,
  options: RestoreOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Restored> {
  await refuseOccupied(paths, options.replace);
  const file = resolve(options.from);
  return await withDataFolder(paths.data, (data) =>
    withWorkFolder(data, "restore", async (folder) => {
      const manifest = await openBackup(file, options.passphrase, folder, signal);
      await bringPki(file, manifest, options.pki, folder);
      const epoch = nextEpoch(manifest, data, options.epoch);
      const anew = await beginAnew(file, join(folder, "fettle.db"), manifest, epoch, clock);
      signal.throwIfAborted();
      const placed = await place(paths, folder, clock.now());
      const { coordinatorId, madeAt, apart } = manifest;
      const here = await keptApart(data);
      const missing = apart.filter((name) => !here.includes(name));
      return { file, coordinatorId, madeAt, missing, ...anew, ...placed };
    }),
  ).catch((error: unknown) => {
    if (error instanceof FettleError || signal.aborted) throw error;
    throw new FettleError("backup.not-restored", { folder: paths.data, problem: messageOf(error) }, { cause: error });
  });
}

async function refuseOccupied({ data, run }: Paths, replace: boolean): Promise<void> {
  const socket = join(run, "admin.sock");
  if (await answers(socket)) throw new FettleError("backup.running", { how: `it answers on ${socket}` });
  const database = join(data, "fettle.db");
  if (isOpen(database)) throw new FettleError("backup.running", { how: `a program has ${database} open` });
  const there = ["fettle.db", "pki"].map((name) => join(data, name)).find((path) => existsSync(path));
  if (there !== undefined && !replace) throw new FettleError("backup.occupied", { path: there });
}

async function place(paths: Paths, folder: string, at: number): Promise<Pick<Restored, "configuration" | "aside">> {
  const configuration = await bringConfiguration(paths, folder);
  try {
    await giveToOwner(paths.data);
    return { configuration, aside: await settle(folder, paths.data, at) };
  } catch (error) {
    await takeBack(configuration);
    throw error;
  }
}

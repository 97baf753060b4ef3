import type { BackedUp, BackupOptions } from "./backup/backup.ts";
import type { Restored, RestoreOptions } from "./restore/restore.ts";

/** `fettle coordinator backup`, with the places that the environment names. */
export async function backupHere(
  environment: NodeJS.ProcessEnv,
  options: BackupOptions,
  signal: AbortSignal,
): Promise<BackedUp> {
  const [{ backup }, around] = await Promise.all([import("./backup/backup.ts"), aroundHere(environment)]);
  return await backup(around.paths, options, around.clock, signal);
}

/** `fettle coordinator restore`, likewise. */
export async function restoreHere(
  environment: NodeJS.ProcessEnv,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Restored> {
  const [{ restore }, around] = await Promise.all([import("./restore/restore.ts"), aroundHere(environment)]);
  return await restore(around.paths, options, around.clock, signal);
}

async function aroundHere(environment: NodeJS.ProcessEnv) {
  const [{ pathsOf }, { readEnv }, { systemClock }] = await Promise.all([
    import("../config.ts"),
    import("../env.ts"),
    import("../clock.ts"),
  ]);
  return { paths: pathsOf(readEnv(environment)), clock: systemClock };
}

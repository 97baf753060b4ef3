import { copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import Database from "better-sqlite3";
import { type BackupFile, PKI } from "./manifest.ts";
import { filesBelow } from "./sums.ts";

/** What a database says of itself. */
export interface Said {
  readonly coordinatorId: string;
  readonly epoch: number;
  readonly migration: string;
}

/** How often pki/ may change under the copying hand: a renewal writes two files within a second. */
const TRIES = 5;
/** How long a copy waits for a lock; with WAL there is none but while a coordinator starts or stops. */
const BUSY_MS = 10_000;

/**
 * Copies the database as of one moment to `fettle.db` in `folder`, and pki/ as it was at that moment: no file of it
 * changed between before and after. The coordinator goes on writing meanwhile. Throws `backup.unsettled`.
 */
export async function copyTogether(data: string, folder: string): Promise<BackupFile[]> {
  const [pki, database] = [join(data, "pki"), join(folder, "fettle.db")];
  for (let tries = 0; tries < TRIES; tries++) {
    const files = await filesBelow(pki, PKI);
    await copyFiles(data, folder, files);
    copyDatabase(join(data, "fettle.db"), database);
    const [after, copied] = await Promise.all([filesBelow(pki, PKI), filesBelow(join(folder, "pki"), PKI)]);
    if (isSame(files, after) && isSame(files, copied)) return files;
    await Promise.all([rm(join(folder, "pki"), { recursive: true }), rm(database)]);
  }
  throw new FettleError("backup.unsettled", { folder: pki });
}

async function copyFiles(from: string, to: string, files: readonly BackupFile[]): Promise<void> {
  await mkdir(join(to, "pki"), { mode: 0o700 });
  for (const { path } of files) {
    await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
    await copyFile(join(from, path), join(to, path));
  }
}

function isSame(one: readonly BackupFile[], other: readonly BackupFile[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** VACUUM INTO reads one snapshot of the WAL from beginning to end and holds up no writer; deleted rows stay behind. */
function copyDatabase(from: string, to: string): void {
  const database = new Database(from, { fileMustExist: true, timeout: BUSY_MS });
  try {
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}

/** Reads a copy that nobody else has open, and whether it is whole. Throws `backup.damaged-source`. */
export function readDatabase(path: string): Said {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const [check] = database.prepare("PRAGMA integrity_check(1)").pluck().all() as string[];
    if (check !== "ok") throw new Error(check ?? "it says nothing");
    const meta = database.prepare("SELECT coordinatorId, epoch FROM meta").get() as Omit<Said, "migration">;
    const migration = database.prepare("SELECT max(name) FROM kysely_migration").pluck().get() as string;
    return { ...meta, migration };
  } catch (error) {
    throw new FettleError("backup.damaged-source", { problem: messageOf(error) }, { cause: error });
  } finally {
    database.close();
  }
}

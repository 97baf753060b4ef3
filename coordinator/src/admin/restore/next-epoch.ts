import { existsSync } from "node:fs";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import Database from "better-sqlite3";
import type { Manifest } from "../backup/manifest.ts";

/**
 * One above the backup's, and above that of the same coordinator where it is here already. Two restores of one backup on
 * two machines come to the same number: their incarnations differ, and each agent stays with the first it saw. A higher
 * one on request: the way on from a restored coordinator that was lost before it was backed up.
 */
export function nextEpoch({ epoch, coordinatorId }: Manifest, data: string, asked: number | null): number {
  if (asked !== null && asked <= epoch) throw new FettleError("backup.epoch-too-low", { asked, epoch });
  return Math.max(epoch + 1, epochHere(data, coordinatorId) + 1, asked ?? 0);
}

/** 0 where there is none, another one, or one that cannot be read. */
function epochHere(data: string, coordinatorId: string): number {
  const path = join(data, "fettle.db");
  if (!existsSync(path)) return 0;
  try {
    const database = new Database(path, { fileMustExist: true });
    try {
      const epoch = database.prepare("SELECT epoch FROM meta WHERE coordinatorId = ?").pluck().get(coordinatorId);
      return typeof epoch === "number" ? epoch : 0;
    } finally {
      database.close();
    }
  } catch {
    return 0;
  }
}

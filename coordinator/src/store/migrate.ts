import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";

/**
 * Brings the database up to the newest migration, each in one transaction. Throws `store.newer` when the file was
 * written by a newer Fettle, `store.migration-failed` when a migration did not go through (and left nothing).
 */
export async function migrate<T>(db: Kysely<T>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const known = new Set(Object.keys(migrations));
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find(({ status }) => status === "Error");
  if (failed !== undefined && known.has(failed.migrationName)) throw failedAt(failed.migrationName, error);
  // SQLite itself refused (a full disk, one that is read-only): no word about who wrote the file.
  if ((error as { code?: string } | null)?.code?.startsWith("SQLITE_")) throw failedAt("table", error);
  throw new FettleError("store.newer", {}, { cause: error });
}

function failedAt(migration: string, cause: unknown): FettleError {
  return new FettleError("store.migration-failed", { migration }, { cause });
}

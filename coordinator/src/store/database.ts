import Database from "better-sqlite3";
import { CompiledQuery, type DatabaseConnection, Kysely, SqliteAdapter, SqliteDialect, SqliteDriver } from "kysely";
import type { Tables } from "./tables.ts";

export type Db = Kysely<Tables>;

/** How long a statement waits for a lock that another process (a backup, say) holds; it blocks the process. */
const BUSY_MS = 500;

/** The connection's settings. FULL: what was committed is on disk, also after a power cut. */
const PRAGMAS = [
  "journal_mode = WAL",
  "synchronous = FULL",
  "foreign_keys = ON",
  "wal_autocheckpoint = 1000",
  "journal_size_limit = 33554432",
  "trusted_schema = OFF",
] as const;

/** Takes the write lock at the start of a transaction, so that none fails halfway when it turns from reading to writing. */
class ImmediateDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  /** SQLite rolls back DDL too: a migration that was cut off leaves nothing. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class ImmediateDialect extends SqliteDialect {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    super({ database });
    this.#database = database;
  }

  override createDriver(): SqliteDriver {
    return new ImmediateDriver({ database: this.#database });
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter();
  }
}

/** Opens (and makes) the file. Kysely hands out this one connection to one user at a time: there is one writer. */
export function openDatabase(path: string): Db {
  const database = new Database(path, { timeout: BUSY_MS });
  for (const pragma of PRAGMAS) database.pragma(pragma);
  return new Kysely<Tables>({ dialect: new ImmediateDialect(database) });
}

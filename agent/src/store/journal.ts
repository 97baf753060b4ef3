import Database from "better-sqlite3";

/** The agent's SQLite file: what it did, what it still owes the coordinator, and what it remembers. */
export type Journal = Database.Database;

/** Numbered by position, never edited: a new one is added at the end. */
const MIGRATIONS = [
  `CREATE TABLE runs (
     id TEXT PRIMARY KEY, pass_id TEXT NOT NULL, epoch INTEGER NOT NULL, generation INTEGER NOT NULL,
     resource TEXT NOT NULL, resource_hash TEXT NOT NULL, cause TEXT NOT NULL, changes TEXT NOT NULL,
     phase TEXT NOT NULL, outcome TEXT, code TEXT, reason TEXT,
     started_at INTEGER NOT NULL, ended_at INTEGER, acked INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE INDEX runs_owed ON runs (acked, started_at);
   CREATE TABLE logs (
     run_id TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL,
     acked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run_id, seq)) STRICT, WITHOUT ROWID;
   CREATE TABLE retries (
     resource TEXT NOT NULL, hash TEXT NOT NULL, failures INTEGER NOT NULL, next_at INTEGER NOT NULL,
     PRIMARY KEY (resource, hash)) STRICT;
   CREATE TABLE repairs (resource TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
   CREATE INDEX repairs_of ON repairs (resource, value, at);
   CREATE TABLE kept (resource TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (resource, key)) STRICT;
   CREATE TABLE pauses (scope TEXT PRIMARY KEY, reason TEXT NOT NULL, until INTEGER, at INTEGER NOT NULL) STRICT;
   CREATE TABLE audit (
     id TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
     acked INTEGER NOT NULL DEFAULT 0) STRICT;`,
  // What is owed is asked for all the time, and must not go over 64 MiB of what is not.
  "CREATE INDEX logs_owed ON logs (run_id, seq) WHERE acked = 0;",
];

/**
 * Opens and migrates the journal at `path`. `synchronous=FULL`: a run's intention is on disk before the first change.
 * Throws better-sqlite3's error when the file cannot be opened or is not a database.
 */
export function openJournal(path: string): Journal {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("wal_autocheckpoint = 200");
  migrate(db);
  return db;
}

function migrate(db: Journal): void {
  const done = db.pragma("user_version", { simple: true }) as number;
  if (done >= MIGRATIONS.length) return;
  db.transaction(() => {
    for (const [index, sql] of MIGRATIONS.entries()) if (index >= done) db.exec(sql);
    db.pragma(`user_version = ${MIGRATIONS.length}`);
  }).immediate();
}

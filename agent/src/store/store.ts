import { type Audit, auditOf } from "./audit.ts";
import { openJournal } from "./journal.ts";
import { type KeptStore, keptOf } from "./kept.ts";
import { type Logs, logsOf } from "./logs.ts";
import { type Pauses, pausesOf } from "./pauses.ts";
import { type Repairs, repairsOf } from "./repairs.ts";
import { type Retries, retriesOf } from "./retries.ts";
import { type Runs, runsOf } from "./runs.ts";

/** The agent's journal, a table each. */
export interface Store {
  readonly runs: Runs;
  readonly logs: Logs;
  readonly retries: Retries;
  readonly repairs: Repairs;
  readonly kept: KeptStore;
  readonly pauses: Pauses;
  readonly audit: Audit;
  /** Keeps the file under its limit: drops acknowledged runs first, then the oldest logs, never an unacknowledged run. */
  prune(maxBytes: number): void;
  close(): void;
}

export const MAX_JOURNAL_BYTES = 64 * 1024 * 1024;
const STEP = 200;

/** `path` is native: SQLite opens it by itself. `:memory:` is a journal that nothing outlives. */
export function openStore(path: string): Store {
  const db = openJournal(path);
  const used = () =>
    ((db.pragma("page_count", { simple: true }) as number) -
      (db.pragma("freelist_count", { simple: true }) as number)) *
    (db.pragma("page_size", { simple: true }) as number);
  const dropAcked = db.prepare(
    `DELETE FROM runs WHERE id IN (SELECT id FROM runs r WHERE acked = 1
       AND NOT EXISTS (SELECT 1 FROM logs l WHERE l.run_id = r.id AND l.acked = 0) ORDER BY started_at LIMIT ${STEP})`,
  );
  const dropOrphans = db.prepare("DELETE FROM logs WHERE run_id NOT IN (SELECT id FROM runs)");
  const dropLogs = db.prepare(
    `DELETE FROM logs WHERE (run_id, seq) IN (SELECT run_id, seq FROM logs ORDER BY acked DESC, at LIMIT ${STEP})`,
  );
  return {
    runs: runsOf(db),
    logs: logsOf(db),
    retries: retriesOf(db),
    repairs: repairsOf(db),
    kept: keptOf(db),
    pauses: pausesOf(db),
    audit: auditOf(db),
    prune(maxBytes) {
      while (used() > maxBytes && dropAcked.run().changes > 0) dropOrphans.run();
      while (used() > maxBytes && dropLogs.run().changes > 0);
    },
    close: () => void db.close(),
  };
}

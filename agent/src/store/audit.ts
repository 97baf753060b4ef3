import type { AuditRecord } from "@fettle/shared/protocol/run-record.ts";
import type { Journal } from "./journal.ts";

/** What people did on this machine. */
export interface Audit {
  add(record: AuditRecord): void;
  owed(limit: number): AuditRecord[];
  acknowledge(ids: readonly string[]): void;
}

export function auditOf(db: Journal): Audit {
  const add = db.prepare("INSERT INTO audit (id, at, who, what) VALUES (@id, @at, @who, @what)");
  const owed = db.prepare<[number], AuditRecord>(
    "SELECT id, at, who, what FROM audit WHERE acked = 0 ORDER BY at LIMIT ?",
  );
  const acknowledge = db.prepare("UPDATE audit SET acked = 1 WHERE id = ?");
  return {
    add: (record) => void add.run(record),
    owed: (limit) => owed.all(limit),
    acknowledge: db.transaction((ids: readonly string[]) => {
      for (const id of ids) acknowledge.run(id);
    }),
  };
}

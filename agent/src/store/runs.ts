import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Cause, RunRecord } from "@fettle/shared/protocol/run-record.ts";
import type { Journal } from "./journal.ts";

export type RunPhase = RunRecord["phase"];
export type RunOutcome = NonNullable<RunRecord["outcome"]>;

export interface NewRun {
  readonly id: string;
  readonly passId: string;
  readonly epoch: number;
  readonly generation: number;
  readonly resource: string;
  readonly resourceHash: string;
  readonly cause: Cause;
  readonly changes: readonly Change[];
  readonly startedAt: number;
  /** Tokens of the one-time approvals that it uses up. */
  readonly approvals: readonly string[];
}

export interface RunEnd {
  readonly outcome: RunOutcome;
  readonly code: string | null;
  readonly reason: string | null;
  readonly endedAt: number;
}

interface Row {
  id: string;
  pass_id: string;
  epoch: number;
  generation: number;
  resource: string;
  resource_hash: string;
  cause: Cause;
  changes: string;
  phase: RunPhase;
  outcome: RunOutcome | null;
  code: string | null;
  reason: string | null;
  started_at: number;
  ended_at: number | null;
}

/** The runs: one apply of one resource each. */
export interface Runs {
  /** Writes the intention, and that its approvals are used up: both are on disk when this returns, or neither. */
  intend(run: NewRun): void;
  /** True when a run has used this approval up. */
  usedApproval(resource: string, token: string): boolean;
  phase(id: string, phase: RunPhase): void;
  end(id: string, end: RunEnd): void;
  /** Runs that an earlier life of the agent did not end. */
  unfinished(): RunRecord[];
  /** Ended or not, oldest first, not yet acknowledged in their present phase. */
  owed(limit: number): RunRecord[];
  acknowledge(ids: readonly string[]): void;
  recent(limit: number): RunRecord[];
  /** Of one resource, newest first. */
  of(resource: string, limit: number): RunRecord[];
}

export function runsOf(db: Journal): Runs {
  const insert = db.prepare(
    `INSERT INTO runs (id, pass_id, epoch, generation, resource, resource_hash, cause, changes, phase, started_at)
     VALUES (@id, @passId, @epoch, @generation, @resource, @resourceHash, @cause, @changes, 'intended', @startedAt)`,
  );
  const use = db.prepare("INSERT OR REPLACE INTO kept (resource, key, value) VALUES (?, ?, 'used')");
  const used = db.prepare<[string, string], number>("SELECT 1 FROM kept WHERE resource = ? AND key = ?").pluck();
  const setPhase = db.prepare("UPDATE runs SET phase = ? WHERE id = ?");
  const setEnd = db.prepare(
    "UPDATE runs SET phase = 'done', outcome = @outcome, code = @code, reason = @reason, ended_at = @endedAt, acked = 0 WHERE id = @id",
  );
  const unfinished = db.prepare<[], Row>("SELECT * FROM runs WHERE phase <> 'done' ORDER BY started_at");
  const owed = db.prepare<[number], Row>(
    "SELECT * FROM runs WHERE acked = 0 AND phase = 'done' ORDER BY started_at LIMIT ?",
  );
  const acknowledge = db.prepare("UPDATE runs SET acked = 1 WHERE id = ? AND phase = 'done'");
  const recent = db.prepare<[number], Row>("SELECT * FROM runs ORDER BY started_at DESC LIMIT ?");
  const ofResource = db.prepare<[string, number], Row>(
    "SELECT * FROM runs WHERE resource = ? ORDER BY started_at DESC LIMIT ?",
  );
  return {
    intend: db.transaction(({ approvals, ...run }: NewRun) => {
      insert.run({ ...run, changes: JSON.stringify(run.changes) });
      for (const token of approvals) use.run(run.resource, approvalKey(token));
    }),
    usedApproval: (resource, token) => used.get(resource, approvalKey(token)) !== undefined,
    phase: (id, phase) => void setPhase.run(phase, id),
    end: (id, end) => void setEnd.run({ id, ...end }),
    unfinished: () => unfinished.all().map(recordOf),
    owed: (limit) => owed.all(limit).map(recordOf),
    acknowledge: db.transaction((ids: readonly string[]) => {
      for (const id of ids) acknowledge.run(id);
    }),
    recent: (limit) => recent.all(limit).map(recordOf),
    of: (resource, limit) => ofResource.all(resource, limit).map(recordOf),
  };
}

/** Under which key of its resource it is kept that an approval is used up. */
function approvalKey(token: string): string {
  return `approval:${token}`;
}

function recordOf(row: Row): RunRecord {
  return {
    id: row.id,
    passId: row.pass_id,
    epoch: row.epoch,
    generation: row.generation,
    resource: row.resource,
    resourceHash: row.resource_hash,
    cause: row.cause,
    changes: JSON.parse(row.changes) as Change[],
    phase: row.phase,
    outcome: row.outcome,
    code: row.code,
    reason: row.reason,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

import type { Journal } from "./journal.ts";

export interface LogChunk {
  readonly runId: string;
  readonly seq: number;
  readonly at: number;
  readonly data: string;
}

export const MAX_RUN_LOG_CHARS = 4 * 1024 * 1024;
const FIRST_CHARS = 1024 * 1024;
const GAP = "[… left out: the log is longer than 4 MiB …]\n";

/** The output of runs, in chunks of at most 64 KiB. */
export interface Logs {
  /** Adds a chunk; past 4 MiB the middle goes (first 1 MiB and last 3 MiB stay, the gap is marked). */
  append(runId: string, at: number, data: string): void;
  /**
   * The chunks that are not acknowledged, by run, each run's in their order: an acknowledgement is for all before it,
   * and their times go back when the clock is set.
   */
  owed(limit: number): LogChunk[];
  acknowledge(runId: string, seq: number): void;
  of(runId: string): LogChunk[];
}

interface Size {
  chars: number;
  next: number;
}

export function logsOf(db: Journal): Logs {
  const insert = db.prepare("INSERT INTO logs (run_id, seq, at, data) VALUES (?, ?, ?, ?)");
  const size = db.prepare<[string], Size>(
    "SELECT coalesce(sum(length(data)), 0) AS chars, coalesce(max(seq) + 1, 0) AS next FROM logs WHERE run_id = ?",
  );
  const owed = db.prepare<[number], LogChunk>(
    "SELECT run_id AS runId, seq, at, data FROM logs WHERE acked = 0 ORDER BY run_id, seq LIMIT ?",
  );
  const acknowledge = db.prepare("UPDATE logs SET acked = 1 WHERE run_id = ? AND seq <= ?");
  const all = db.prepare<[string], LogChunk>(
    "SELECT run_id AS runId, seq, at, data FROM logs WHERE run_id = ? ORDER BY seq",
  );
  const lengths = db.prepare<[string, string], { seq: number; chars: number; gap: number }>(
    "SELECT seq, length(data) AS chars, data = ? AS gap FROM logs WHERE run_id = ? ORDER BY seq",
  );
  const drop = db.prepare("DELETE FROM logs WHERE run_id = ? AND seq = ?");
  const mark = db.prepare("UPDATE logs SET data = ?, acked = 0 WHERE run_id = ? AND seq = ?");

  /** Drops the oldest chunks after the first MiB until the run's log fits; the first one dropped becomes the mark. */
  const shorten = (runId: string): void => {
    let before = 0;
    let total = size.get(runId)?.chars ?? 0;
    let marked = false;
    for (const chunk of lengths.all(GAP, runId)) {
      if (total <= MAX_RUN_LOG_CHARS) return;
      if (chunk.gap) marked = true;
      else if (before + chunk.chars > FIRST_CHARS || marked) {
        total -= chunk.chars;
        if (marked) drop.run(runId, chunk.seq);
        else mark.run(GAP, runId, chunk.seq);
        marked = true;
      } else before += chunk.chars;
    }
  };
  return {
    append: db.transaction((runId: string, at: number, data: string) => {
      insert.run(runId, size.get(runId)?.next ?? 0, at, data);
      shorten(runId);
    }),
    owed: (limit) => owed.all(limit),
    acknowledge: (runId, seq) => void acknowledge.run(runId, seq),
    of: (runId) => all.all(runId),
  };
}

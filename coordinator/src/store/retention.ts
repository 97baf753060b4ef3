import { sql } from "kysely";
import type { Db } from "./database.ts";
import type { Tables } from "./tables.ts";

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Rows that one step deletes from one table at most, so that no writer waits long. */
export const STEP_ROWS = 500;
export const LOGS_BYTES = 1024 ** 3;

interface Rule {
  readonly table: keyof Tables;
  readonly key: readonly string[];
  /** The time that counts; the coordinator's own wherever an agent could choose it. */
  readonly column: string;
  readonly keepMs: number;
}

const RULES: readonly Rule[] = [
  { table: "events", key: ["id"], column: "at", keepMs: 30 * DAY_MS },
  { table: "runs", key: ["id"], column: "receivedAt", keepMs: 90 * DAY_MS },
  { table: "logs", key: ["runId", "seq"], column: "at", keepMs: 14 * DAY_MS },
  { table: "audit", key: ["id"], column: "receivedAt", keepMs: 400 * DAY_MS },
  { table: "metrics", key: ["node", "at"], column: "at", keepMs: DAY_MS },
  { table: "metric_means", key: ["node", "at"], column: "at", keepMs: 30 * DAY_MS },
  { table: "enrolment_tokens", key: ["id"], column: "expiresAt", keepMs: 30 * DAY_MS },
  { table: "pauses", key: ["stack", "scope"], column: "until", keepMs: DAY_MS },
];

/** One bounded step of pruning everything that is past its time; says how many rows went. 0 is done. */
export async function pruneStep(db: Db, now: number): Promise<number> {
  let deleted = 0;
  for (const { table, key, column, keepMs } of RULES) {
    const columns = sql.join(key.map((name) => sql.ref(name)));
    const old = sql`select ${columns} from ${sql.table(table)}
      where ${sql.ref(column)} < ${now - keepMs} limit ${sql.lit(STEP_ROWS)}`;
    const query = sql`delete from ${sql.table(table)} where (${columns}) in (${old})`;
    deleted += Number((await query.execute(db)).numAffectedRows ?? 0n);
  }
  return deleted + (await pruneLogBytes(db, LOGS_BYTES));
}

/** Deletes the oldest chunks, a step of them, while all logs together are above the limit. */
export async function pruneLogBytes(db: Db, limit: number): Promise<number> {
  const { bytes } = await db
    .selectFrom("logs")
    .select((of) => of.fn.sum<number | null>("bytes").as("bytes"))
    .executeTakeFirstOrThrow();
  if ((bytes ?? 0) <= limit) return 0;
  const oldest = sql`select "runId", "seq" from "logs" order by "at" limit ${sql.lit(STEP_ROWS)}`;
  const result = await sql`delete from "logs" where ("runId", "seq") in (${oldest})`.execute(db);
  return Number(result.numAffectedRows ?? 0n);
}

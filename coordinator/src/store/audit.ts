import type { Db } from "./database.ts";

/** Who asked for what. Rows are added and, after 400 days, pruned; a trigger refuses any change. */
export interface AuditRow {
  id: string;
  stack: string;
  /** The machine where it was asked, for what agents record; null at the coordinator. */
  node: string | null;
  at: number;
  who: string;
  /** What was asked, as in `apply revision 3` or `pause ollama-1/ollama`. */
  what: string;
  receivedAt: number;
  /** About what the row takes, for the node's quota; null for the coordinator's own. */
  bytes: number | null;
}

export class Audit {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A repeat of an id is harmless. */
  async add(entry: Omit<AuditRow, "bytes"> & { bytes?: number }): Promise<void> {
    await this.#db
      .insertInto("audit")
      .values({ ...entry, bytes: entry.bytes ?? null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async bytesOfNode(node: string): Promise<number> {
    const row = await this.#db
      .selectFrom("audit")
      .select((of) => of.fn.sum<number | null>("bytes").as("bytes"))
      .where("node", "=", node)
      .executeTakeFirstOrThrow();
    return row.bytes ?? 0;
  }

  /** Newest first; what concerns all stacks is listed with each. */
  async list(filter: { stack?: string; before?: number; limit: number }): Promise<AuditRow[]> {
    let query = this.#db.selectFrom("audit").selectAll();
    if (filter.stack !== undefined) query = query.where("stack", "in", [filter.stack, "*"]);
    if (filter.before !== undefined) query = query.where("at", "<", filter.before);
    return await query.orderBy("at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
  }
}

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
}

export class Audit {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A repeat of an id is harmless. */
  async add(entry: AuditRow): Promise<void> {
    await this.#db
      .insertInto("audit")
      .values(entry)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Newest first. */
  async list(filter: { stack?: string; before?: number; limit: number }): Promise<AuditRow[]> {
    let query = this.#db.selectFrom("audit").selectAll();
    if (filter.stack !== undefined) query = query.where("stack", "=", filter.stack);
    if (filter.before !== undefined) query = query.where("at", "<", filter.before);
    return await query.orderBy("at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
  }
}

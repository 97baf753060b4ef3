import type { Db } from "./database.ts";

/** One sample of one node, as sent every 15 s; kept for a day. */
export interface MetricRow {
  node: string;
  at: number;
  stack: string;
  /** `{name: number}`, JSON. */
  values: string;
}

export class MetricSamples {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(sample: MetricRow): Promise<void> {
    await this.#db
      .insertInto("metrics")
      .values(sample)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** From `from` (included) to `to` (excluded), oldest first. */
  async range(node: string, from: number, to: number): Promise<MetricRow[]> {
    return await this.#db
      .selectFrom("metrics")
      .selectAll()
      .where("node", "=", node)
      .where("at", ">=", from)
      .where("at", "<", to)
      .orderBy("at")
      .execute();
  }

  /** The oldest sample at or after `from`. */
  async firstSince(node: string, from: number): Promise<MetricRow | undefined> {
    return await this.#db
      .selectFrom("metrics")
      .selectAll()
      .where("node", "=", node)
      .where("at", ">=", from)
      .orderBy("at")
      .limit(1)
      .executeTakeFirst();
  }

  async latest(node: string): Promise<MetricRow | undefined> {
    return await this.#db
      .selectFrom("metrics")
      .selectAll()
      .where("node", "=", node)
      .orderBy("at", "desc")
      .limit(1)
      .executeTakeFirst();
  }
}

import type { Db } from "./database.ts";

/** The means of one node over 5 minutes; kept for 30 days. */
export interface MetricMeanRow {
  node: string;
  /** Start of the 5 minutes. */
  at: number;
  stack: string;
  /** `{name: mean}`, JSON. */
  values: string;
  samples: number;
}

export const MEAN_MS = 5 * 60_000;

export class MetricMeans {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async put(mean: MetricMeanRow): Promise<void> {
    const { values, samples } = mean;
    await this.#db
      .insertInto("metric_means")
      .values(mean)
      .onConflict((conflict) => conflict.columns(["node", "at"]).doUpdateSet({ values, samples }))
      .execute();
  }

  /** From `from` (included) to `to` (excluded), oldest first. */
  async range(node: string, from: number, to: number): Promise<MetricMeanRow[]> {
    return await this.#db
      .selectFrom("metric_means")
      .selectAll()
      .where("node", "=", node)
      .where("at", ">=", from)
      .where("at", "<", to)
      .orderBy("at")
      .execute();
  }

  /** Start of the newest stored 5 minutes of a node. */
  async lastAt(node: string): Promise<number | null> {
    const row = await this.#db
      .selectFrom("metric_means")
      .select((of) => of.fn.max<number | null>("at").as("at"))
      .where("node", "=", node)
      .executeTakeFirst();
    return row?.at ?? null;
  }
}

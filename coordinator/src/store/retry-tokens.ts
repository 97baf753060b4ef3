import type { Db } from "./database.ts";

/** The last `repair` asked for a resource: an opaque token that travels in the desired state. */
export interface RetryTokenRow {
  node: string;
  resource: string;
  stack: string;
  token: string;
  by: string;
  at: number;
}

export class RetryTokens {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async ofNode(node: string): Promise<RetryTokenRow[]> {
    return await this.#db.selectFrom("retry_tokens").selectAll().where("node", "=", node).orderBy("resource").execute();
  }

  async put(retry: RetryTokenRow): Promise<void> {
    const { token, by, at } = retry;
    await this.#db
      .insertInto("retry_tokens")
      .values(retry)
      .onConflict((conflict) => conflict.columns(["node", "resource"]).doUpdateSet({ token, by, at }))
      .execute();
  }

  /** Forgets every `repair` that was asked for. */
  async clear(): Promise<void> {
    await this.#db.deleteFrom("retry_tokens").execute();
  }
}

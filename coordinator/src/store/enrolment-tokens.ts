import type { Db } from "./database.ts";

/** An enrolment token; its secret is kept as a hash only. */
export interface EnrolmentTokenRow {
  id: string;
  stack: string;
  node: string;
  /** Role names, JSON list. */
  roles: string;
  /** sha256 of the secret, 64 hex digits. */
  secretHash: string;
  by: string;
  createdAt: number;
  expiresAt: number;
  usedAt: number | null;
  /** sha256 of the public key that used it. */
  usedKeyHash: string | null;
  /** The answer that key got (JSON), given again to the same key until the token runs out. */
  answer: string | null;
  /** The only cloud instance that may use it; null for any machine. */
  instanceId: string | null;
  /** The machine that used it, as in `instance i-0abc`. */
  usedBy: string | null;
}

export interface Used {
  readonly usedAt: number;
  readonly usedKeyHash: string;
  readonly usedBy: string;
  readonly answer: string;
}

export class EnrolmentTokens {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(token: EnrolmentTokenRow): Promise<void> {
    await this.#db.insertInto("enrolment_tokens").values(token).execute();
  }

  async get(id: string): Promise<EnrolmentTokenRow | undefined> {
    return await this.#db.selectFrom("enrolment_tokens").selectAll().where("id", "=", id).executeTakeFirst();
  }

  /** Uses the token up; false when it was used already. */
  async use(id: string, used: Used): Promise<boolean> {
    const result = await this.#db
      .updateTable("enrolment_tokens")
      .set(used)
      .where("id", "=", id)
      .where("usedAt", "is", null)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  /** Makes every unused token of a node worthless. */
  async cancel(node: string): Promise<void> {
    await this.#db.deleteFrom("enrolment_tokens").where("node", "=", node).where("usedAt", "is", null).execute();
  }

  /** Makes every unused token worthless; how many there were. */
  async cancelAll(): Promise<number> {
    const result = await this.#db.deleteFrom("enrolment_tokens").where("usedAt", "is", null).executeTakeFirst();
    return Number(result.numDeletedRows);
  }
}

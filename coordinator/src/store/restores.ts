import type { Db } from "./database.ts";

/** The coordinator was made from a backup. It belongs to no stack. What happened in between is not known here. */
export interface RestoreRow {
  /** The epoch that began with it. */
  epoch: number;
  /** When the backup was made. */
  madeAt: number;
  restoredAt: number;
}

export class Restores {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(row: RestoreRow): Promise<void> {
    await this.#db.insertInto("restores").values(row).execute();
  }

  /** Whether this moment lies between a backup and its restore: somebody else's work then is not in the database. */
  async isUnknown(at: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom("restores")
      .select("epoch")
      .where("madeAt", "<=", at)
      .where("restoredAt", ">=", at)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}

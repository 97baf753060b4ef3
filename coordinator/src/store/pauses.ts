import type { Db } from "./database.ts";

/** A pause at the coordinator. */
export interface PauseRow {
  stack: string;
  /** `stack`, `NODE`, `NODE/ROLE` or `NODE/ID`. */
  scope: string;
  reason: string;
  by: string;
  at: number;
  /** When it ends by itself; null is until `resume`. */
  until: number | null;
}

export class Pauses {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Those in force at `at`. */
  async ofStack(stack: string, at: number): Promise<PauseRow[]> {
    return await this.#db
      .selectFrom("pauses")
      .selectAll()
      .where("stack", "=", stack)
      .where((of) => of.or([of("until", "is", null), of("until", ">", at)]))
      .orderBy("scope")
      .execute();
  }

  /** The next moment at which one ends by itself. */
  async nextEnd(at: number): Promise<number | null> {
    const row = await this.#db
      .selectFrom("pauses")
      .select((of) => of.fn.min<number | null>("until").as("until"))
      .where("until", ">", at)
      .executeTakeFirst();
    return row?.until ?? null;
  }

  /** A second pause of the same scope replaces the first. */
  async put(pause: PauseRow): Promise<void> {
    const { reason, by, at, until } = pause;
    await this.#db
      .insertInto("pauses")
      .values(pause)
      .onConflict((conflict) => conflict.columns(["stack", "scope"]).doUpdateSet({ reason, by, at, until }))
      .execute();
  }

  async remove(stack: string, scope: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom("pauses")
      .where("stack", "=", stack)
      .where("scope", "=", scope)
      .executeTakeFirst();
    return result.numDeletedRows > 0n;
  }
}

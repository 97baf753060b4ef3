import type { Db } from "./database.ts";

/** The stack as last accepted. */
export interface StackRow {
  stack: string;
  /** +1 for each accepted apply whose normalised spec differs; 1 is the first. */
  revision: number;
  /** The normalised spec, JSON. */
  spec: string;
  /** The file's text as the operator gave it. */
  source: string;
  updatedAt: number;
}

export interface NewStack {
  readonly stack: string;
  /** The revision that this apply was made on; 0 when there was no stack. */
  readonly basedOn: number;
  readonly spec: string;
  readonly source: string;
  readonly at: number;
}

export class Stacks {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async all(): Promise<StackRow[]> {
    return await this.#db.selectFrom("stacks").selectAll().orderBy("stack").execute();
  }

  async get(stack: string): Promise<StackRow | undefined> {
    return await this.#db.selectFrom("stacks").selectAll().where("stack", "=", stack).executeTakeFirst();
  }

  /** The new revision, or null when the stack has moved on from `basedOn`. */
  async put({ stack, basedOn, spec, source, at }: NewStack): Promise<number | null> {
    const revision = basedOn + 1;
    const row = { revision, spec, source, updatedAt: at };
    if (basedOn === 0) {
      const made = await this.#db
        .insertInto("stacks")
        .values({ stack, ...row })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return made.numInsertedOrUpdatedRows === 1n ? revision : null;
    }
    const moved = await this.#db
      .updateTable("stacks")
      .set(row)
      .where("stack", "=", stack)
      .where("revision", "=", basedOn)
      .executeTakeFirst();
    return moved.numUpdatedRows === 1n ? revision : null;
  }
}

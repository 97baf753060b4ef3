import type { Db } from "./database.ts";

/** What a node is to be: the compiled parameters of its roles. */
export interface DesiredRow {
  node: string;
  stack: string;
  /** Higher whenever `hash` changes; usually by 1, and 1 is the first. */
  generation: number;
  /** sha256 of the canonical JSON of `roles`. */
  hash: string;
  /** `{role: params}`, JSON. */
  roles: string;
  updatedAt: number;
}

export class DesiredStates {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(node: string): Promise<DesiredRow | undefined> {
    return await this.#db.selectFrom("desired").selectAll().where("node", "=", node).executeTakeFirst();
  }

  async ofStack(stack: string): Promise<DesiredRow[]> {
    return await this.#db.selectFrom("desired").selectAll().where("stack", "=", stack).orderBy("node").execute();
  }

  /** Stores `next` if the stored generation is still `before`, 0 when there is none; false when it is not. */
  async put(next: DesiredRow, before = next.generation - 1): Promise<boolean> {
    if (before === 0) {
      const made = await this.#db
        .insertInto("desired")
        .values(next)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return made.numInsertedOrUpdatedRows === 1n;
    }
    const { generation, hash, roles, updatedAt } = next;
    const moved = await this.#db
      .updateTable("desired")
      .set({ generation, hash, roles, updatedAt })
      .where("node", "=", next.node)
      .where("generation", "=", before)
      .executeTakeFirst();
    return moved.numUpdatedRows === 1n;
  }
}

import type { Db } from "./database.ts";

/** The coordinator itself; one row. It belongs to no stack. */
export interface MetaRow {
  /** Always `coordinator`. */
  key: string;
  coordinatorId: string;
  /** +1 on restore or takeover; with `incarnation` the fence between two coordinators. */
  epoch: number;
  incarnation: string;
  createdAt: number;
}

const KEY = "coordinator";

export class Meta {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async read(): Promise<MetaRow | undefined> {
    return await this.#db.selectFrom("meta").selectAll().where("key", "=", KEY).executeTakeFirst();
  }

  /** Makes the row; false when there is one already. */
  async create(meta: Omit<MetaRow, "key">): Promise<boolean> {
    const result = await this.#db
      .insertInto("meta")
      .values({ key: KEY, ...meta })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  /** Begins a new epoch, which the agents put above every lower one. */
  async raise(epoch: number, incarnation: string): Promise<void> {
    await this.#db.updateTable("meta").set({ epoch, incarnation }).where("epoch", "<", epoch).execute();
  }

  /** Writes the row as it is, to see that the database can be written. */
  async touch(): Promise<void> {
    await this.#db
      .updateTable("meta")
      .set((of) => ({ epoch: of.ref("epoch") }))
      .execute();
  }
}

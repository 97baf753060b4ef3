import type { Db } from "./database.ts";

/** One request to update the agents of a stack; the newest of a stack is the one in force. */
export interface UpdateRow {
  token: string;
  stack: string;
  version: string;
  /** Names of the nodes that it is for, JSON list. */
  nodes: string;
  by: string;
  at: number;
  /** When somebody gave it up; null while it stands. */
  cancelledAt: number | null;
}

export class Updates {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** The last one that was asked for; undefined before the first. */
  async last(stack: string): Promise<UpdateRow | undefined> {
    return await this.#db
      .selectFrom("updates")
      .selectAll()
      .where("stack", "=", stack)
      .orderBy("at", "desc")
      .orderBy("token", "desc")
      .limit(1)
      .executeTakeFirst();
  }

  async add(row: UpdateRow): Promise<void> {
    await this.#db.insertInto("updates").values(row).execute();
  }

  async cancel(token: string, at: number): Promise<void> {
    await this.#db
      .updateTable("updates")
      .set({ cancelledAt: at })
      .where("token", "=", token)
      .where("cancelledAt", "is", null)
      .execute();
  }
}

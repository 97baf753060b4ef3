import type { Db } from "./database.ts";

/** One gate of one resource at one hash: shut since when, and open for good once it latched. */
export interface GateRow {
  node: string;
  resource: string;
  resourceHash: string;
  stack: string;
  fact: string;
  shutSince: number;
  /** When it latched open; null while shut. */
  openedAt: number | null;
}

export class Gates {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async ofNode(node: string): Promise<GateRow[]> {
    return await this.#db.selectFrom("gates").selectAll().where("node", "=", node).orderBy("resource").execute();
  }

  /** Remembers a gate of this hash; what is stored of the same gate stays, so `shutSince` is the first time. */
  async note(gate: GateRow): Promise<void> {
    await this.#db
      .insertInto("gates")
      .values(gate)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Latches the gate open; a gate that is open stays as it is. */
  async open(node: string, resource: string, resourceHash: string, at: number): Promise<void> {
    await this.#db
      .updateTable("gates")
      .set({ openedAt: at })
      .where("node", "=", node)
      .where("resource", "=", resource)
      .where("resourceHash", "=", resourceHash)
      .where("openedAt", "is", null)
      .execute();
  }

  /** Starts the shut gate's waiting time again, because something behind it moved. */
  async touch(node: string, resource: string, resourceHash: string, at: number): Promise<void> {
    await this.#db
      .updateTable("gates")
      .set({ shutSince: at })
      .where("node", "=", node)
      .where("resource", "=", resource)
      .where("resourceHash", "=", resourceHash)
      .where("openedAt", "is", null)
      .execute();
  }

  /** Forgets the gates of a resource at every other hash. */
  async forgetOthers(node: string, resource: string, keepHash: string): Promise<void> {
    await this.#db
      .deleteFrom("gates")
      .where("node", "=", node)
      .where("resource", "=", resource)
      .where("resourceHash", "!=", keepHash)
      .execute();
  }
}

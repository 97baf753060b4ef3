import type { Db } from "./database.ts";

/** A person's one-time yes to one resource at one hash. */
export interface ApprovalRow {
  node: string;
  resource: string;
  resourceHash: string;
  stack: string;
  token: string;
  by: string;
  at: number;
}

export class Approvals {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async ofNode(node: string): Promise<ApprovalRow[]> {
    return await this.#db.selectFrom("approvals").selectAll().where("node", "=", node).orderBy("resource").execute();
  }

  /** A new yes to the same resource replaces the old one, so that it is good once more. */
  async put(approval: ApprovalRow): Promise<void> {
    const { resourceHash, token, by, at } = approval;
    await this.#db
      .insertInto("approvals")
      .values(approval)
      .onConflict((conflict) => conflict.columns(["node", "resource"]).doUpdateSet({ resourceHash, token, by, at }))
      .execute();
  }

  async remove(node: string, resource: string): Promise<void> {
    await this.#db.deleteFrom("approvals").where("node", "=", node).where("resource", "=", resource).execute();
  }

  /** Takes back every yes that was given. */
  async clear(): Promise<void> {
    await this.#db.deleteFrom("approvals").execute();
  }
}

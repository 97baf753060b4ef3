import { type IdentityCase, isNews, type Sighting, withSighting } from "@fettle/shared/lib/identity-case.ts";
import type { Db } from "./database.ts";

export type IdentityCaseRow = IdentityCase;

export class IdentityCases {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(node: string): Promise<IdentityCaseRow | undefined> {
    return await this.#db.selectFrom("identity_cases").selectAll().where("node", "=", node).executeTakeFirst();
  }

  async ofStack(stack: string): Promise<IdentityCaseRow[]> {
    return await this.#db.selectFrom("identity_cases").selectAll().where("stack", "=", stack).execute();
  }

  async put(row: IdentityCaseRow): Promise<void> {
    await this.#db
      .insertInto("identity_cases")
      .values(row)
      .onConflict((conflict) => conflict.column("node").doUpdateSet(row))
      .execute();
  }

  /** Notes what was seen, for a person to decide; `fresh` when there is something new to say. Inside a transaction. */
  async note(seen: Sighting): Promise<{ row: IdentityCaseRow; fresh: boolean }> {
    const known = await this.get(seen.node);
    const row = withSighting(known, seen);
    if (known?.machines !== row.machines || known.kind !== row.kind) await this.put(row);
    return { row, fresh: isNews(known, row) };
  }

  /** Takes back every word of a person; what was seen stays. */
  async withdraw(): Promise<void> {
    await this.#db.updateTable("identity_cases").set({ approved: null, approvedAt: null, approvedBy: null }).execute();
  }

  async remove(node: string): Promise<void> {
    await this.#db.deleteFrom("identity_cases").where("node", "=", node).execute();
  }
}

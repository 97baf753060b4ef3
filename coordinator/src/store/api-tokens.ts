import type { ApiRole } from "@fettle/shared/api/route.ts";
import type { Db } from "./database.ts";

/** A token for the operator's API; its secret is kept as a hash only. */
export interface ApiTokenRow {
  id: string;
  /** The stack it is good for; `*` is all of them. */
  stack: string;
  name: string;
  role: ApiRole;
  /** sha256 of the secret, 64 hex digits. */
  secretHash: string;
  createdAt: number;
  revokedAt: number | null;
}

export class ApiTokens {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(token: ApiTokenRow): Promise<void> {
    await this.#db.insertInto("api_tokens").values(token).execute();
  }

  async get(id: string): Promise<ApiTokenRow | undefined> {
    return await this.#db.selectFrom("api_tokens").selectAll().where("id", "=", id).executeTakeFirst();
  }

  async list(): Promise<Omit<ApiTokenRow, "secretHash">[]> {
    return await this.#db
      .selectFrom("api_tokens")
      .select(["id", "stack", "name", "role", "createdAt", "revokedAt"])
      .orderBy("createdAt")
      .execute();
  }

  async revoke(id: string, at: number): Promise<boolean> {
    const result = await this.#db
      .updateTable("api_tokens")
      .set({ revokedAt: at })
      .where("id", "=", id)
      .where("revokedAt", "is", null)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }
}

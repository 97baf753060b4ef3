import type { Db } from "./database.ts";

/** A certificate that was issued to an agent. */
export interface IdentityRow {
  /** sha256 of the certificate's DER, 64 hex digits. */
  fingerprint: string;
  stack: string;
  node: string;
  nodeId: string;
  /** sha256 of the public key's SPKI DER, 64 hex digits. */
  keyHash: string;
  machineId: string;
  issuedAt: number;
  notAfter: number;
  revokedAt: number | null;
}

export class Identities {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(identity: IdentityRow): Promise<void> {
    await this.#db.insertInto("identities").values(identity).execute();
  }

  async get(fingerprint: string): Promise<IdentityRow | undefined> {
    return await this.#db
      .selectFrom("identities")
      .selectAll()
      .where("fingerprint", "=", fingerprint)
      .executeTakeFirst();
  }

  /** The unrevoked ones of a node that have not run out at `at`. */
  async live(node: string, at: number): Promise<IdentityRow[]> {
    return await this.#db
      .selectFrom("identities")
      .selectAll()
      .where("node", "=", node)
      .where("revokedAt", "is", null)
      .where("notAfter", ">", at)
      .execute();
  }

  /** Revokes all of a node's certificates; says how many were still good. */
  async revoke(node: string, at: number): Promise<number> {
    const result = await this.#db
      .updateTable("identities")
      .set({ revokedAt: at })
      .where("node", "=", node)
      .where("revokedAt", "is", null)
      .executeTakeFirst();
    return Number(result.numUpdatedRows);
  }
}

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
  /** The machine that it was made for. */
  machineId: string;
  instanceId: string | null;
  productUuid: string | null;
  /** The roles it was enrolled with, JSON list; null when that is not known. */
  roles: string | null;
  issuedAt: number;
  notAfter: number;
  revokedAt: number | null;
  /** When it was first shown; until then the one before is good too. */
  usedAt: number | null;
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

  /** The newest unrevoked certificate of this agent, in time or not. */
  async lastOf(nodeId: string): Promise<IdentityRow | undefined> {
    return await this.#db
      .selectFrom("identities")
      .selectAll()
      .where("nodeId", "=", nodeId)
      .where("revokedAt", "is", null)
      .orderBy("issuedAt", "desc")
      .limit(1)
      .executeTakeFirst();
  }

  /** The newest certificate of this key. */
  async ofKey(keyHash: string): Promise<IdentityRow | undefined> {
    return await this.#db
      .selectFrom("identities")
      .selectAll()
      .where("keyHash", "=", keyHash)
      .orderBy("issuedAt", "desc")
      .limit(1)
      .executeTakeFirst();
  }

  /** Notes the first use; false when it was used before. */
  async use(fingerprint: string, at: number): Promise<boolean> {
    const result = await this.#db
      .updateTable("identities")
      .set({ usedAt: at })
      .where("fingerprint", "=", fingerprint)
      .where("usedAt", "is", null)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  /** Revokes every certificate of the node but this one. */
  async revokeOthers(node: string, fingerprint: string, at: number): Promise<void> {
    await this.#db
      .updateTable("identities")
      .set({ revokedAt: at })
      .where("node", "=", node)
      .where("fingerprint", "!=", fingerprint)
      .where("revokedAt", "is", null)
      .execute();
  }

  /** Revokes those of the node's that were never used, but this one: a newer one was asked for in their place. */
  async revokeUnused(node: string, fingerprint: string, at: number): Promise<void> {
    await this.#db
      .updateTable("identities")
      .set({ revokedAt: at })
      .where("node", "=", node)
      .where("fingerprint", "!=", fingerprint)
      .where("usedAt", "is", null)
      .where("revokedAt", "is", null)
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

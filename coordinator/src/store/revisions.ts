import type { Db } from "./database.ts";

/** One accepted apply; kept for ever. */
export interface RevisionRow {
  stack: string;
  revision: number;
  spec: string;
  source: string;
  /** Who applied it, as in `operator:alice` or `socket:root`. */
  by: string;
  at: number;
}

export class Revisions {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(revision: RevisionRow): Promise<void> {
    await this.#db.insertInto("revisions").values(revision).execute();
  }

  async get(stack: string, revision: number): Promise<RevisionRow | undefined> {
    return await this.#db
      .selectFrom("revisions")
      .selectAll()
      .where("stack", "=", stack)
      .where("revision", "=", revision)
      .executeTakeFirst();
  }

  /** Newest first, without the texts. */
  async list(stack: string, limit: number): Promise<Pick<RevisionRow, "revision" | "by" | "at">[]> {
    return await this.#db
      .selectFrom("revisions")
      .select(["revision", "by", "at"])
      .where("stack", "=", stack)
      .orderBy("revision", "desc")
      .limit(limit)
      .execute();
  }
}

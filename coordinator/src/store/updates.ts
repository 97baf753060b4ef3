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
  /** When a machine first said that it put the version before back; null while none did. */
  takenBackAt: number | null;
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

  /** A machine of the stack took the version of this request back. One that nobody asked it for does not count. */
  async takeBack({ stack, token, version }: Pick<UpdateRow, "stack" | "token" | "version">, at: number): Promise<void> {
    await this.#db
      .updateTable("updates")
      .set({ takenBackAt: at })
      .where("token", "=", token)
      .where("stack", "=", stack)
      .where("version", "=", version)
      .where("takenBackAt", "is", null)
      .execute();
  }

  /** The versions that were taken back when they were last asked for. */
  async takenBackVersions(): Promise<ReadonlySet<string>> {
    const rows = await this.#db
      .selectFrom("updates")
      .select(["version", "takenBackAt"])
      .orderBy("at")
      .orderBy("token")
      .execute();
    const last = new Map(rows.map(({ version, takenBackAt }) => [version, takenBackAt]));
    return new Set([...last].filter(([, takenBackAt]) => takenBackAt !== null).map(([version]) => version));
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

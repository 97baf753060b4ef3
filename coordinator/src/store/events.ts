import type { Severity } from "@fettle/shared/codes/code.ts";
import type { Db } from "./database.ts";

/** Something that happened, for people; `fettle events`. */
export interface EventRow {
  /** Sorts by when it was recorded, so it serves as a cursor. */
  id: string;
  stack: string;
  node: string | null;
  resource: string | null;
  at: number;
  /** What happened, as in `node.connected` or `resource.state`. */
  kind: string;
  severity: Severity;
  code: string | null;
  /** A sentence. */
  text: string;
  /** More values, JSON object. */
  data: string;
}

export interface EventFilter {
  readonly stack?: string;
  readonly node?: string;
  readonly resource?: string;
  /** Only events after this id, oldest first; without it the newest, newest first. */
  readonly after?: string;
  readonly limit: number;
}

export class Events {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async add(events: readonly EventRow[]): Promise<void> {
    for (const event of events) await this.#db.insertInto("events").values(event).execute();
  }

  async list({ stack, node, resource, after, limit }: EventFilter): Promise<EventRow[]> {
    let query = this.#db.selectFrom("events").selectAll();
    if (stack !== undefined) query = query.where("stack", "=", stack);
    if (node !== undefined) query = query.where("node", "=", node);
    if (resource !== undefined) query = query.where("resource", "=", resource);
    if (after !== undefined) query = query.where("id", ">", after);
    return await query
      .orderBy("id", after === undefined ? "desc" : "asc")
      .limit(limit)
      .execute();
  }

  async lastId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom("events").select("id").orderBy("id", "desc").limit(1).executeTakeFirst();
    return row?.id;
  }
}

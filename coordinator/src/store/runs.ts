import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import type { Db } from "./database.ts";

/** One apply of one resource on one node, as its agent journalled it. */
export interface RunRow {
  id: string;
  stack: string;
  node: string;
  passId: string;
  epoch: number;
  generation: number;
  resource: string;
  resourceHash: string;
  cause: RunRecord["cause"];
  /** JSON list of changes. */
  changes: string;
  phase: RunRecord["phase"];
  outcome: RunRecord["outcome"];
  code: string | null;
  reason: string | null;
  startedAt: number;
  endedAt: number | null;
  receivedAt: number;
  /** About what the row takes, for the node's quota. */
  bytes: number;
}

export interface RunFilter {
  readonly stack?: string;
  readonly node?: string;
  readonly resource?: string;
  /** Only runs that started before this, ms. */
  readonly before?: number;
  readonly limit: number;
}

export class Runs {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(id: string): Promise<RunRow | undefined> {
    return await this.#db.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirst();
  }

  /** Newest first. */
  async list({ stack, node, resource, before, limit }: RunFilter): Promise<RunRow[]> {
    let query = this.#db.selectFrom("runs").selectAll();
    if (stack !== undefined) query = query.where("stack", "=", stack);
    if (node !== undefined) query = query.where("node", "=", node);
    if (resource !== undefined) query = query.where("resource", "=", resource);
    if (before !== undefined) query = query.where("startedAt", "<", before);
    return await query.orderBy("startedAt", "desc").orderBy("id", "desc").limit(limit).execute();
  }

  async bytesOfNode(node: string): Promise<number> {
    const row = await this.#db
      .selectFrom("runs")
      .select((of) => of.fn.sum<number | null>("bytes").as("bytes"))
      .where("node", "=", node)
      .executeTakeFirstOrThrow();
    return row.bytes ?? 0;
  }

  /** Deletes a node's oldest ended runs until `bytes` are free; says how many were freed. */
  async dropOldest(node: string, bytes: number): Promise<number> {
    const old = this.#db
      .selectFrom("runs")
      .select(["id", "bytes"])
      .where("node", "=", node)
      .where("phase", "=", "done");
    let freed = 0;
    for (const row of await old.orderBy("startedAt").limit(1000).execute()) {
      if (freed >= bytes) break;
      await this.#db.deleteFrom("runs").where("id", "=", row.id).execute();
      freed += row.bytes;
    }
    return freed;
  }

  /**
   * Takes in a record: new, or a later phase of one that is there. False when nothing changed: a repeat, a record
   * older than what is stored (a run that is done stays done), or an id that belongs to another node.
   */
  async put(run: RunRow): Promise<boolean> {
    const { id, stack, node, ...later } = run;
    const result = await this.#db
      .insertInto("runs")
      .values(run)
      .onConflict((conflict) =>
        conflict
          .column("id")
          .doUpdateSet(later)
          .where("runs.node", "=", node)
          .where("runs.stack", "=", stack)
          .where("runs.phase", "!=", "done")
          .where("runs.phase", "!=", run.phase),
      )
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }
}

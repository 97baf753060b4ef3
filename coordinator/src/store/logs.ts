import type { Db } from "./database.ts";

/** A piece of a run's terminal output. */
export interface LogRow {
  runId: string;
  seq: number;
  stack: string;
  node: string;
  at: number;
  data: string;
  bytes: number;
}

export class Logs {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** A repeat of a chunk is harmless. */
  async add(chunk: LogRow): Promise<void> {
    await this.#db
      .insertInto("logs")
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  /** Chunks after `afterSeq` (-1 for all), in order. */
  async ofRun(runId: string, afterSeq: number, limit: number): Promise<LogRow[]> {
    return await this.#db
      .selectFrom("logs")
      .selectAll()
      .where("runId", "=", runId)
      .where("seq", ">", afterSeq)
      .orderBy("seq")
      .limit(limit)
      .execute();
  }

  async bytesOfRun(runId: string): Promise<number> {
    return await this.#sum("runId", runId);
  }

  async bytesOfNode(node: string): Promise<number> {
    return await this.#sum("node", node);
  }

  async #sum(column: "runId" | "node", value: string): Promise<number> {
    const row = await this.#db
      .selectFrom("logs")
      .select((of) => of.fn.sum<number | null>("bytes").as("bytes"))
      .where(column, "=", value)
      .executeTakeFirstOrThrow();
    return row.bytes ?? 0;
  }

  /** Deletes a node's oldest chunks until `bytes` are free; says how many were freed. */
  async dropOldest(node: string, bytes: number): Promise<number> {
    const old = this.#db.selectFrom("logs").select(["runId", "seq", "bytes"]).where("node", "=", node);
    let freed = 0;
    for (const row of await old.orderBy("at").limit(1000).execute()) {
      if (freed >= bytes) break;
      await this.#db.deleteFrom("logs").where("runId", "=", row.runId).where("seq", "=", row.seq).execute();
      freed += row.bytes;
    }
    return freed;
  }

  /** The node that the run's first stored chunk came from. */
  async nodeOf(runId: string): Promise<string | undefined> {
    const row = await this.#db.selectFrom("logs").select("node").where("runId", "=", runId).limit(1).executeTakeFirst();
    return row?.node;
  }
}

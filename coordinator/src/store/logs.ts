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

  /** The node that the run's first stored chunk came from. */
  async nodeOf(runId: string): Promise<string | undefined> {
    const row = await this.#db.selectFrom("logs").select("node").where("runId", "=", runId).limit(1).executeTakeFirst();
    return row?.node;
  }
}

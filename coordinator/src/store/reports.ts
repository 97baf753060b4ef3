import type { Db } from "./database.ts";

/** The last whole report of a node. */
export interface ReportRow {
  node: string;
  stack: string;
  /** The wire's Report, JSON. */
  body: string;
  receivedAt: number;
}

export class Reports {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async get(node: string): Promise<ReportRow | undefined> {
    return await this.#db.selectFrom("reports").selectAll().where("node", "=", node).executeTakeFirst();
  }

  async ofStack(stack: string): Promise<ReportRow[]> {
    return await this.#db.selectFrom("reports").selectAll().where("stack", "=", stack).orderBy("node").execute();
  }

  async put(report: ReportRow): Promise<void> {
    const { body, receivedAt } = report;
    await this.#db
      .insertInto("reports")
      .values(report)
      .onConflict((conflict) => conflict.column("node").doUpdateSet({ body, receivedAt }))
      .execute();
  }
}

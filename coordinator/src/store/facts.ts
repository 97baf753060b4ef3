import type { Db } from "./database.ts";

/** One fact of one node; a fact that becomes unknown keeps its last value. */
export interface FactRow {
  node: string;
  name: string;
  stack: string;
  /** JSON. */
  value: string;
  /** When it took this value. */
  since: number;
  /** JSON of the last value that had stayed the same for SETTLE_MS before it changed; the first value counts at once. */
  settled: string;
}

export type SteeringFact = Pick<FactRow, "node" | "name"> & { readonly value: unknown };

/** A changed fact steers only after it has stayed the same for this long. */
export const SETTLE_MS = 10 * 60_000;

/** The value that may steer at `at`. */
export function settledValue(fact: Pick<FactRow, "value" | "since" | "settled">, at: number): unknown {
  return JSON.parse(at - fact.since >= SETTLE_MS ? fact.value : fact.settled);
}

export class Facts {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async ofNode(node: string): Promise<FactRow[]> {
    return await this.#db.selectFrom("facts").selectAll().where("node", "=", node).orderBy("name").execute();
  }

  async ofStack(stack: string): Promise<FactRow[]> {
    return await this.#db.selectFrom("facts").selectAll().where("stack", "=", stack).orderBy("node").execute();
  }

  /** The values that may steer at `at`; facts themselves are what was said last. */
  async steering(stack: string, at: number): Promise<SteeringFact[]> {
    return (await this.ofStack(stack)).map((fact) => ({
      node: fact.node,
      name: fact.name,
      value: settledValue(fact, at),
    }));
  }

  /** Takes in what a report says; says which names took another value. */
  async merge(node: string, stack: string, facts: Readonly<Record<string, unknown>>, at: number): Promise<string[]> {
    const known = new Map((await this.ofNode(node)).map((fact) => [fact.name, fact]));
    const changed: string[] = [];
    for (const [name, found] of Object.entries(facts)) {
      if (found === undefined) continue;
      const value = JSON.stringify(found);
      const before = known.get(name);
      if (before?.value === value) continue;
      const settled = before === undefined ? value : JSON.stringify(settledValue(before, at));
      await this.#put({ node, name, stack, value, since: at, settled });
      changed.push(name);
    }
    return changed;
  }

  async #put(fact: FactRow): Promise<void> {
    const { value, since, settled } = fact;
    await this.#db
      .insertInto("facts")
      .values(fact)
      .onConflict((conflict) => conflict.columns(["node", "name"]).doUpdateSet({ value, since, settled }))
      .execute();
  }
}

import type { Db } from "./database.ts";

/** A machine. Its name is unique in the coordinator, since a node belongs to one stack. */
export interface NodeRow {
  node: string;
  stack: string;
  /** The declared address; null until a stack names the node. */
  address: string | null;
  /** Declared role names, JSON list. */
  roles: string;
  /** CN of the agent's certificate; null until it enrolled. */
  nodeId: string | null;
  registeredAt: number | null;
  /** When its agent said good-bye; null once it enrolled again. */
  uninstalledAt: number | null;
  /** From the agent's last hello; null before the first. */
  version: string | null;
  /** JSON list of what the agent understands. */
  capabilities: string | null;
  machineId: string | null;
  bootId: string | null;
  /** Agent's wall clock minus ours at its last hello, in ms. */
  clockOffsetMs: number | null;
  /** When its connection began or, after it ended, when that was. */
  seenAt: number | null;
}

export type NodeHello = Pick<NodeRow, "version" | "capabilities" | "machineId" | "bootId" | "clockOffsetMs" | "seenAt">;

export class Nodes {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async all(): Promise<NodeRow[]> {
    return await this.#db.selectFrom("nodes").selectAll().orderBy("node").execute();
  }

  async ofStack(stack: string): Promise<NodeRow[]> {
    return await this.#db.selectFrom("nodes").selectAll().where("stack", "=", stack).orderBy("node").execute();
  }

  async get(node: string): Promise<NodeRow | undefined> {
    return await this.#db.selectFrom("nodes").selectAll().where("node", "=", node).executeTakeFirst();
  }

  /** Makes or updates what is declared of a node; false when the name belongs to another stack. */
  async declare(declared: { node: string; stack: string; address: string | null; roles: string }): Promise<boolean> {
    const { address, roles } = declared;
    const result = await this.#db
      .insertInto("nodes")
      .values({ ...declared, ...NEVER_SEEN })
      .onConflict((conflict) =>
        conflict.column("node").doUpdateSet({ address, roles }).where("nodes.stack", "=", declared.stack),
      )
      .executeTakeFirst();
    return result.numInsertedOrUpdatedRows === 1n;
  }

  /** Makes the node if it is not there, changing nothing of one that is; false when it belongs to another stack. */
  async ensure(node: string, stack: string, roles: string): Promise<boolean> {
    await this.#db
      .insertInto("nodes")
      .values({ node, stack, address: null, roles, ...NEVER_SEEN })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await this.get(node))?.stack === stack;
  }

  /** Binds the node to the identity that just enrolled. */
  async register(node: string, nodeId: string, at: number): Promise<void> {
    await this.#db
      .updateTable("nodes")
      .set({ nodeId, registeredAt: at, uninstalledAt: null })
      .where("node", "=", node)
      .execute();
  }

  async hello(node: string, hello: NodeHello): Promise<void> {
    await this.#db.updateTable("nodes").set(hello).where("node", "=", node).execute();
  }

  async seen(node: string, at: number): Promise<void> {
    await this.#db.updateTable("nodes").set({ seenAt: at }).where("node", "=", node).execute();
  }

  async uninstalled(node: string, at: number): Promise<void> {
    await this.#db.updateTable("nodes").set({ uninstalledAt: at }).where("node", "=", node).execute();
  }

  /** Takes the node and all that is kept about its present state away; its runs, events and audit stay. */
  async remove(node: string): Promise<boolean> {
    const result = await this.#db.deleteFrom("nodes").where("node", "=", node).executeTakeFirst();
    return result.numDeletedRows === 1n;
  }
}

const NEVER_SEEN = {
  nodeId: null,
  registeredAt: null,
  uninstalledAt: null,
  version: null,
  capabilities: null,
  machineId: null,
  bootId: null,
  clockOffsetMs: null,
  seenAt: null,
} as const;

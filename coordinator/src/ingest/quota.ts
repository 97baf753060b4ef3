import type { Queries } from "../store/store.ts";

/** What one node may have stored here: its runs, logs and audit together. */
export const NODE_BYTES = 50_000_000;
/** Of these, audit, which is never pruned to make room. */
export const NODE_AUDIT_BYTES = 10_000_000;

/** Makes room for `more` bytes of this node by dropping its own oldest logs, then its own oldest runs. */
export async function makeRoom({ logs, runs, audit }: Queries, node: string, more: number): Promise<void> {
  const kept = (await logs.bytesOfNode(node)) + (await runs.bytesOfNode(node)) + (await audit.bytesOfNode(node));
  const over = kept + more - NODE_BYTES;
  if (over <= 0) return;
  const freed = await logs.dropOldest(node, over);
  if (freed < over) await runs.dropOldest(node, over - freed);
}

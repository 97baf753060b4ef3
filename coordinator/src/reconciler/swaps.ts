import type { Store } from "../store/store.ts";
import type { CompiledNode } from "./compile/compile.ts";
import type { Swap } from "./world.ts";

/** How many runs back a repair is looked for; more failures than this in a row count as none. */
const LOOK_BACK = 20;

/** The last repair that a gate of the node counts from, by the `NODE/ID` of the gate's resource. */
export async function readSwaps(store: Store, { node, gates }: CompiledNode): Promise<ReadonlyMap<string, Swap>> {
  const swaps = new Map<string, Swap>();
  for (const { resource, sinceSwap } of gates) {
    if (sinceSwap === undefined) continue;
    const runs = await store.runs.list({ node, resource: sinceSwap, limit: LOOK_BACK });
    const last = runs.find((run) => run.outcome === "repaired");
    if (last !== undefined) swaps.set(`${node}/${resource}`, { id: last.id, at: last.endedAt ?? last.receivedAt });
  }
  return swaps;
}

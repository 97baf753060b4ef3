import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "@fettle/agent/store/store.ts";
import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import type { Test } from "tap";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import type { World } from "./world.ts";

function pathOf({ sandbox }: World, node: NodeName): string {
  return join(sandbox.rootOf(node), "var/lib/fettle-agent/journal.db");
}

/** How many ended runs the coordinator has not acknowledged, read beside a running agent. */
function owedBy(world: World, node: NodeName): number {
  const database = new DatabaseSync(pathOf(world, node), { readOnly: true });
  try {
    const row = database.prepare("SELECT count(*) AS owed FROM runs WHERE acked = 0 OR phase <> 'done'").get();
    return Number(row?.owed);
  } finally {
    database.close();
  }
}

/** An agent's own records; the agent must be gone. */
export function journalOf(world: World, node: NodeName): { kept: RunRecord[]; open: number; owed: number } {
  const store = openStore(pathOf(world, node));
  try {
    const open = store.runs.unfinished().length;
    return { kept: store.runs.recent(1000), open, owed: store.runs.owed(1000).length };
  } finally {
    store.close();
  }
}

/** Ends the agents, and holds what the coordinator was told against what they wrote down. */
export async function compareRecords(t: Test, world: World): Promise<Record<NodeName, RunRecord[]>> {
  const all: Partial<Record<NodeName, RunRecord[]>> = {};
  for (const node of NODES) await world.until(`${node} has told all`, 40_000, async () => owedBy(world, node) === 0);
  await Promise.all(NODES.map((node) => world.sandbox.agents[node].stop()));
  for (const node of NODES) {
    const { kept, open, owed } = journalOf(world, node);
    t.strictSame({ open, owed }, { open: 0, owed: 0 }, `${node} left nothing open and owes nothing`);
    t.strictSame(short(await world.runs(node)), short(kept), `what ${node} did is on record once`);
    all[node] = kept;
  }
  return all as Record<NodeName, RunRecord[]>;
}

function short(runs: readonly { id: string; resource: string; outcome: string | null }[]): string[] {
  return runs.map(({ id, resource, outcome }) => `${id} ${resource} ${outcome}`).sort();
}

import type { Gate } from "@fettle/shared/protocol/desired.ts";
import type { GateRow } from "../store/gates.ts";
import type { Queries } from "../store/store.ts";
import type { CompiledNode } from "./compile/compile.ts";
import { asSent, type GateState, latchHash, lookAt, type Remembered, STUCK_MS } from "./gates.ts";
import type { World } from "./world.ts";

export interface LatchedGates {
  readonly gates: Gate[];
  /** What must be stored; nothing when all is as it was. */
  readonly writes: readonly ((queries: Queries) => Promise<void>)[];
  /** When the first shut gate becomes stuck. */
  readonly nextAt: number | null;
}

/** The node's gates against what is remembered of them. Pure; the writes are for the caller's transaction. */
export function latch(stack: string, compiled: CompiledNode, world: World, known: readonly GateRow[]): LatchedGates {
  const gates: Gate[] = [];
  const writes: ((queries: Queries) => Promise<void>)[] = [];
  const stuckAt: number[] = [];
  for (const declared of compiled.gates) {
    const state = lookAt(declared, compiled.node, world);
    const hash = latchHash(declared, compiled.node, world);
    const row = known.find((each) => each.resource === declared.resource && each.resourceHash === hash);
    const fresh = { shutSince: world.now, openedAt: state.open ? world.now : null };
    const remembered = row ?? fresh;
    gates.push(asSent(declared, state, remembered, world.now));
    const key: GateKey = { stack, node: compiled.node, resource: declared.resource, resourceHash: hash };
    const stale = known.some((each) => each.resource === declared.resource && each.resourceHash !== hash);
    writes.push(...changes(key, state, row, fresh, world.now, stale));
    if (!state.open && remembered.openedAt === null) stuckAt.push(due(remembered, state, world.now));
  }
  return { gates, writes, nextAt: stuckAt.length === 0 ? null : Math.min(...stuckAt) };
}

type GateKey = Pick<GateRow, "stack" | "node" | "resource" | "resourceHash">;

function changes(
  key: GateKey,
  state: GateState,
  row: GateRow | undefined,
  fresh: Remembered,
  now: number,
  stale: boolean,
): ((queries: Queries) => Promise<void>)[] {
  const { node, resource, resourceHash } = key;
  const writes: ((queries: Queries) => Promise<void>)[] = [];
  if (stale) writes.push((queries) => queries.gates.forgetOthers(node, resource, resourceHash));
  if (row === undefined) writes.push((queries) => queries.gates.note({ ...key, fact: state.fact, ...fresh }));
  else if (row.openedAt === null && state.open)
    writes.push((queries) => queries.gates.open(node, resource, resourceHash, now));
  else if (row.openedAt === null && state.moving && now - row.shutSince > TOUCH_MS)
    writes.push((queries) => queries.gates.touch(node, resource, resourceHash, now));
  return writes;
}

/** A moving gate's time starts again at most this often, so that reports cost no write each. */
const TOUCH_MS = 30_000;

/** A stuck gate has no next moment of its own; one that moves is looked at again when its time is over. */
function due({ shutSince }: Remembered, { moving }: GateState, now: number): number {
  if (moving) return now + STUCK_MS;
  return shutSince + STUCK_MS > now ? shutSince + STUCK_MS : Number.POSITIVE_INFINITY;
}

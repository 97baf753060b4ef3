import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { ReconcilerParts } from "../context.ts";
import type { DesiredRow } from "../store/desired.ts";
import type { Queries } from "../store/store.ts";
import { agentWanted } from "./agent-wanted.ts";
import { type CompiledNode, compileNode, compileStack } from "./compile/compile.ts";
import { latch } from "./latch.ts";
import { policyFor } from "./policy-frame.ts";
import { retriesFor } from "./retries.ts";
import { compileInput, knownTrack, readStack, type StackView } from "./stack-view.ts";
import { readSwaps } from "./swaps.ts";
import { nodesOfUpdate } from "./updates.ts";
import type { NodeView, World } from "./world.ts";

export interface PassResult {
  /** Nodes whose gates hang on this one. */
  readonly dependents: readonly string[];
  /** Wall clock at which this node is to be looked at again though nothing wakes it; null is never. */
  readonly nextAt: number | null;
  /** Somebody else wrote in between: look again at once. */
  readonly lost: boolean;
}

const NOTHING: PassResult = { dependents: [], nextAt: null, lost: false };

/** One look at one node: what it is to be, stored if it changed, sent if it is connected. Level, not edge. */
export async function pass(parts: ReconcilerParts, node: string): Promise<PassResult> {
  const { store, hub, clock } = parts;
  const row = await store.nodes.get(node);
  if (row === undefined) return NOTHING;
  const view = await readStack(store, hub, row.stack, clock.now());
  if (view === null) return NOTHING;
  const latched = await latchTrack(parts, view);
  const input = compileInput(latched);
  const compiled = compileStack(input);
  const own = compiled.find((each) => each.node === node) ?? compileNode(input, node);
  const world = await worldOf(parts, latched, compiled);
  const gates = latch(view.stack, own, world, await store.gates.ofNode(node));
  const desired = nextDesired(latched, own);
  const kept = await keep(parts, [...gates.writes, ...desired.writes]);
  if (!kept) return { ...NOTHING, lost: true };
  hub.send(node, await frame(parts, latched, own, desired.row, { gates: gates.gates, compiled, world }));
  return {
    dependents: [...new Set([...dependentsOf(node, compiled), ...nodesOfUpdate(view)])].filter((one) => one !== node),
    nextAt: earliest(gates.nextAt, await store.pauses.nextEnd(view.at)),
    lost: false,
  };
}

/** With `image: auto`, the first version known at this revision decides its X.Y until the next apply. */
async function latchTrack({ store }: ReconcilerParts, view: StackView): Promise<StackView> {
  if (view.track !== null || view.spec.gateway?.image !== "auto") return view;
  const track = knownTrack(view.spec, view.steering);
  if (track === null) return view;
  await store.imageTracks.latch({ stack: view.stack, revision: view.revision, track, at: view.at });
  return { ...view, track: await store.imageTracks.get(view.stack, view.revision) };
}

async function worldOf({ store }: ReconcilerParts, view: StackView, compiled: readonly CompiledNode[]): Promise<World> {
  const swaps = await Promise.all(compiled.map((each) => readSwaps(store, each)));
  // A node whose own pass has not come yet is held against what it is to be, not against what is stored.
  const due = compiled.map(({ node, hash }) => [node, { ...(view.views.get(node) ?? NO_VIEW), hash }] as const);
  return { now: view.at, nodes: new Map(due), swaps: new Map(swaps.flatMap((each) => [...each])) };
}

/** What is said to be held is believed up to here: more than that never came from a coordinator. */
const MAX_GENERATION = 2 ** 40;

const NO_VIEW: NodeView = { report: null, live: false, generation: 0, hash: "" };

type Write = (queries: Queries) => Promise<unknown>;

function nextDesired(view: StackView, own: CompiledNode): { row: DesiredRow; writes: readonly Write[] } {
  const known = view.desired.get(own.node);
  const before = known?.generation ?? 0;
  const least = leastGeneration(view, own);
  if (known !== undefined && known.hash === own.hash && before >= least) return { row: known, writes: [] };
  const row: DesiredRow = {
    node: own.node,
    stack: view.stack,
    generation: Math.max(before + 1, least),
    hash: own.hash,
    roles: JSON.stringify(own.roles),
    updatedAt: view.at,
  };
  return { row, writes: [async (queries) => must(await queries.desired.put(row, before))] };
}

/**
 * What this node would take over. An agent never goes back, and one that was removed and enrolled again holds a
 * generation that nobody here knows any more.
 */
function leastGeneration({ views }: StackView, own: CompiledNode): number {
  const held = views.get(own.node)?.report?.desired ?? null;
  if (held === null || held.generation >= MAX_GENERATION) return 0;
  return held.hash === own.hash ? held.generation : held.generation + 1;
}

/** Thrown inside the transaction, so that nothing of a pass that lost a race is stored. */
class Lost extends Error {}

function must(stored: boolean): void {
  if (!stored) throw new Lost();
}

async function keep({ store }: ReconcilerParts, writes: readonly Write[]): Promise<boolean> {
  if (writes.length === 0) return true;
  try {
    await store.write(async (queries) => {
      for (const write of writes) await write(queries);
    });
    return true;
  } catch (error) {
    if (error instanceof Lost) return false;
    throw error;
  }
}

type Rest = { gates: Desired["gates"]; compiled: readonly CompiledNode[]; world: World };

async function frame(
  parts: ReconcilerParts,
  view: StackView,
  own: CompiledNode,
  row: DesiredRow,
  rest: Rest,
): Promise<Desired> {
  const { store, meta } = parts;
  const [pauses, asked, approvals] = await Promise.all([
    store.pauses.ofStack(view.stack, view.at),
    store.retryTokens.ofNode(own.node),
    store.approvals.ofNode(own.node),
  ]);
  return {
    epoch: meta.epoch,
    generation: row.generation,
    hash: row.hash,
    roles: own.roles,
    gates: rest.gates,
    policy: policyFor(view.spec, own.node, pauses),
    retry: retriesFor(own.node, asked, rest.compiled, rest.world),
    approvals: approvals.map(({ resource, resourceHash, token }) => ({ resource, hash: resourceHash, token })),
    agent: await agentWanted(parts, own.node, view),
  };
}

function dependentsOf(node: string, compiled: readonly CompiledNode[]): string[] {
  const hangs = (each: CompiledNode) => each.gates.some((gate) => gate.needs.some((need) => need.node === node));
  // A swap on this node is confirmed on the nodes that its gates need.
  const confirms = compiled
    .filter((each) => each.node === node)
    .flatMap((each) => each.gates.filter((gate) => gate.sinceSwap !== undefined).flatMap((gate) => gate.needs))
    .map((need) => need.node);
  const names = [...compiled.filter(hangs).map((each) => each.node), ...confirms];
  return [...new Set(names)].filter((name) => name !== node);
}

function earliest(...times: (number | null)[]): number | null {
  const known = times.filter((time) => time !== null && Number.isFinite(time));
  return known.length === 0 ? null : Math.min(...(known as number[]));
}

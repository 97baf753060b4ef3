import type { Gate } from "@fettle/shared/protocol/desired.ts";
import type { CompiledGate, Need } from "./compile/role-compiler.ts";
import { isCurrent, resourcesOf, type Swap, type World } from "./world.ts";

/** A gate shut this long while nothing behind it moves is stuck. */
export const STUCK_MS = 10 * 60_000;
/** GitLab's answers are looked at again at least this often, so in sync for longer means looked at again. */
const ANSWERS_PACE_MS = 16 * 60_000;

/** How a gate stands now, before what is latched. */
export interface GateState {
  readonly open: boolean;
  /** What it waits for, as a person reads it. */
  readonly fact: string;
  /** Something behind it is being repaired or waits itself, so patience is right. */
  readonly moving: boolean;
}

/** What is remembered of a gate. */
export interface Remembered {
  readonly shutSince: number;
  readonly openedAt: number | null;
}

/** Pure: whether what the gate waits for is there. */
export function lookAt(gate: CompiledGate, node: string, world: World): GateState {
  const swap = gate.sinceSwap !== undefined ? (world.swaps.get(`${node}/${gate.resource}`) ?? null) : null;
  const unmet = gate.needs.filter((need) => !isMet(need, world, swap));
  const met = gate.fact?.met ?? true;
  const waits = unmet.length > 0 ? unmet : gate.needs;
  return {
    open: met && unmet.length === 0,
    fact: factText(gate, waits),
    moving: unmet.some((need) => moves(need, world)),
  };
}

/** The gate as the agent gets it: open once latched, stuck when it was shut for too long. */
export function asSent(gate: CompiledGate, state: GateState, remembered: Remembered, now: number): Gate {
  const open = state.open || remembered.openedAt !== null;
  const stuck = !open && !state.moving && now - remembered.shutSince >= STUCK_MS;
  return { resource: gate.resource, fact: state.fact, open, stuck };
}

/** What a gate latches for: the swap's own id too, so that a second swap waits anew. */
export function latchHash(gate: CompiledGate, node: string, world: World): string {
  const swap = gate.sinceSwap !== undefined ? world.swaps.get(`${node}/${gate.resource}`) : undefined;
  return swap === undefined ? gate.hash : `${gate.hash}:${swap.id}`;
}

function isMet(need: Need, world: World, swap: Swap | null): boolean {
  const view = world.nodes.get(need.node);
  if (view === undefined || !isCurrent(view)) return false;
  const resources = resourcesOf(view, need.resource);
  const inSync = resources.length > 0 && resources.every((resource) => resource.state === "in-sync");
  if (!inSync || swap === null) return inSync;
  return world.now - swap.at >= ANSWERS_PACE_MS || resources.every((resource) => lookedAt(resource) > swap.at);
}

/** When the resource was last found as it is. */
function lookedAt(resource: { readonly since: number; readonly checkedAt?: number | undefined }): number {
  return resource.checkedAt ?? resource.since;
}

function moves(need: Need, world: World): boolean {
  const resources = resourcesOf(world.nodes.get(need.node), need.resource);
  return resources.some((resource) => resource.state === "repairing" || resource.state === "waiting");
}

function factText(gate: CompiledGate, waits: readonly Need[]): string {
  if (gate.fact !== undefined) return gate.fact.text;
  if (gate.sinceSwap !== undefined) return waits[0]?.resource ?? "";
  return waits
    .map((need) => `${need.node}/${need.resource}`)
    .join(", ")
    .slice(0, 255);
}

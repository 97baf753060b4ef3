import { compareVersions } from "@fettle/shared/lib/versions.ts";
import type { UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";

/** One node as far as its agent's update goes. */
export interface RolloutNode {
  readonly node: string;
  readonly roles: readonly string[];
  /** As its agent last said it; null before the first hello. */
  readonly version: string | null;
  /** Frames arrive from it. */
  readonly live: boolean;
  /** Wall clock of its last frame, as far as it is known. */
  readonly seenAt: number | null;
  /** What its agent last said of an update. */
  readonly update: UpdateStatus | null;
  /** The token of the update that it was given on its present connection, whether it has said so or not. */
  readonly given: string | null;
}

/**
 * queued: its turn comes. offline: not there; it gets it when it comes back. waiting: its agent has it and does not act
 * now. halted: its turn does not come, since one before it failed.
 */
export type RolloutState = "done" | "updating" | "waiting" | "queued" | "offline" | "failed" | "halted";

export interface RolloutStep {
  readonly node: string;
  readonly state: RolloutState;
  readonly code?: string;
  readonly reason?: string;
}

export interface Rollout {
  /** In the order in which they come. */
  readonly steps: readonly RolloutStep[];
  /** The nodes that are given the release now. */
  readonly turn: ReadonlySet<string>;
  /** Where it has stopped; null while nothing failed. */
  readonly halted: string | null;
  /** Every node is done. */
  readonly finished: boolean;
}

export interface Wanted {
  readonly version: string;
  readonly token: string;
}

/** Who is missed least goes first: GitLab's users would notice. Unknown roles go last. */
const ORDER = ["ollama", "gateway", "gitlab"];
/** An agent that is gone for so long in the middle of its update did not come back from it. */
export const LOST_MS = 5 * 60_000;

const UNDER_WAY: ReadonlySet<string> = new Set(["fetching", "switching", "trial"]);
const FAILED: ReadonlySet<string> = new Set(["rolled-back", "failed", "refused"]);

/**
 * One node first, then the rest one at a time, halting at the first that fails. A node that is not there, or whose agent
 * waits for a better moment, holds nobody up. From what is reported alone, so that it goes on after any restart. Pure.
 */
export function rollout(wanted: Wanted, nodes: readonly RolloutNode[], now: number): Rollout {
  const steps = [...nodes].sort(byOrder).map((node) => stepOf(wanted, node, now));
  const halted = steps.find(({ state }) => state === "failed")?.node ?? null;
  const of = (state: RolloutState) => steps.filter((step) => step.state === state).map(({ node }) => node);
  const shown = steps.map((step) => (halted !== null && isAhead(step.state) ? { ...step, state: "halted" } : step));
  return {
    steps: shown as readonly RolloutStep[],
    turn: new Set(turnOf(of, halted, { given: givenTo(wanted, nodes), fetching: onlyFetching(nodes) })),
    halted,
    finished: steps.every(({ state }) => state === "done"),
  };
}

/** What has begun is never taken away in the middle, also when the agent has had no time yet to say that it has begun. */
function turnOf(
  of: (state: RolloutState) => readonly string[],
  halted: string | null,
  { given, fetching }: Record<"given" | "fetching", ReadonlySet<string>>,
): readonly string[] {
  const begun = oneAtATime(of("updating"), fetching);
  if (begun.length > 0 || halted !== null) return begun;
  const queued = of("queued");
  const next = queued.find((node) => given.has(node)) ?? queued[0];
  return next === undefined ? of("waiting") : [next];
}

/**
 * Of several that waited and began at once, as when a pause of all has ended, one goes on: those that fetch have changed
 * nothing yet and give way.
 */
function oneAtATime(begun: readonly string[], fetching: ReadonlySet<string>): readonly string[] {
  const further = begun.filter((node) => !fetching.has(node));
  return further.length > 0 ? further : begun.slice(0, 1);
}

function onlyFetching(nodes: readonly RolloutNode[]): ReadonlySet<string> {
  return new Set(nodes.filter(({ update }) => update?.state === "fetching").map(({ node }) => node));
}

function givenTo({ token }: Wanted, nodes: readonly RolloutNode[]): ReadonlySet<string> {
  return new Set(nodes.filter(({ given }) => given === token).map(({ node }) => node));
}

function isAhead(state: RolloutState): boolean {
  return state === "queued" || state === "waiting" || state === "offline";
}

function stepOf({ version, token }: Wanted, node: RolloutNode, now: number): RolloutStep {
  const { update } = node;
  const own = update?.token === token ? update : null;
  const why = { ...(own?.code && { code: own.code }), ...(own?.reason && { reason: own.reason }) };
  const step = (state: RolloutState): RolloutStep => ({ node: node.node, state, ...why });
  if (own !== null && UNDER_WAY.has(own.state)) return isLost(node, now) ? lost(node, version) : step("updating");
  if (own !== null && FAILED.has(own.state)) return step("failed");
  if (node.version !== null && compareVersions(node.version, version) >= 0) return { node: node.node, state: "done" };
  if (!node.live) return { node: node.node, state: "offline" };
  return own?.state === "waiting" ? step("waiting") : { node: node.node, state: "queued" };
}

function isLost({ live, seenAt }: RolloutNode, now: number): boolean {
  return !live && seenAt !== null && now - seenAt > LOST_MS;
}

function lost({ node }: RolloutNode, version: string): RolloutStep {
  const reason = `${node} was not heard of again after it had begun to update to ${version}.`;
  return { node, state: "failed", code: "update.lost", reason };
}

function byOrder(a: RolloutNode, b: RolloutNode): number {
  return rankOf(a) - rankOf(b) || (a.node < b.node ? -1 : 1);
}

/** A node with several roles counts as its last. */
function rankOf({ roles }: RolloutNode): number {
  const ranks = roles.map((role) => ORDER.indexOf(role)).map((at) => (at < 0 ? ORDER.length : at));
  return Math.max(-1, ...ranks);
}

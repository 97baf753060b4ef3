import type { Cell } from "./cell.ts";

/** What is not known is known soon, or takes its time: looked at again at first sooner, then at these paces. */
const FIRST_MS = 250;
const TRANSIT_MS = 1_000;
const UNKNOWN_MS = 5_000;
/** What stays unknown for longer than this is looked at more rarely. */
const PATIENCE_MS = 60_000;
const RARELY = 5;
/** What is due within this time is looked at together: what is observed is shared within a pass. */
const TOGETHER_MS = 250;

/** When a cell that was just looked at is looked at next though no event asks for it; monotonic ms. */
export function lookAgainAt({ resource, verdict, unknownAt }: Cell, now: number, random: number): number {
  const { everyMs } = resource;
  const pace = everyMs === 0 ? Number.POSITIVE_INFINITY : now + everyMs * (0.95 + 0.1 * random);
  if (verdict?.kind !== "unknown") return pace;
  const unknownMs = unknownAt === null ? 0 : now - unknownAt;
  const slowest = verdict.code === "agent.in-transit" ? TRANSIT_MS : UNKNOWN_MS;
  const soon = Math.min(Math.max(unknownMs, FIRST_MS), slowest);
  return Math.min(pace, now + (unknownMs > PATIENCE_MS ? soon * RARELY : soon));
}

/** The cells whose time it is, and those of the same pace that would follow soon. */
export function needsLook(cells: Iterable<Cell>, now: number): ReadonlySet<Cell> {
  const all = [...cells];
  const paces = new Set(all.filter((cell) => cell.lookAgainAt <= now).map((cell) => cell.resource.everyMs));
  return new Set(all.filter((cell) => paces.has(cell.resource.everyMs) && isSoon(cell, now)));
}

function isSoon({ resource, lookAgainAt }: Cell, now: number): boolean {
  return lookAgainAt - now <= Math.max(resource.everyMs / 2, TOGETHER_MS);
}

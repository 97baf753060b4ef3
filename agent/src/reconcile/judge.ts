import type { Resource } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Backoffs } from "./backoffs.ts";
import type { Busy } from "./busy.ts";
import type { Cell } from "./cell.ts";
import type { Cells } from "./cells.ts";
import { type Decision, decide, type Situation } from "./decide.ts";
import { gateOf } from "./gate.ts";
import { type ActivePause, pauseOf } from "./pause.ts";
import type { Standing } from "./standing.ts";

export interface JudgeDeps {
  readonly clock: Clock;
  readonly store: Pick<Store, "pauses">;
  readonly backoffs: Backoffs;
  readonly busy: Busy;
  /** How long the coordinator has not been heard of, in ms. */
  readonly awayMs: () => number;
  /** Why nothing at all is changed here; null is the usual case. */
  readonly frozen?: (() => Situation["frozen"]) | undefined;
}

const AWAY_MS = 24 * 3_600_000;
const BUSY_AGAIN_MS = 1_000;

/** Puts together what decides about one resource. It changes nothing but the cell's next time to decide. */
export class Judge {
  readonly #deps: JudgeDeps;

  constructor(deps: JudgeDeps) {
    this.#deps = deps;
  }

  /** Why a job that runs is to end; null while it may go on. */
  stops({ resource: { id } }: Cell, standing: Standing): string | null {
    if (standing.refusals.has(id)) return "local policy refuses it now";
    if (this.#frozen()) return "this machine only observes";
    const pause = this.#pause(id, standing);
    if (pause) return `it is paused: ${pause.reason}`;
    return standing.policy.mode === "observe" ? "the stack is only observed now" : null;
  }

  /** null while a look is under way that decides. */
  decide(cell: Cell, standing: Standing, cells: Cells): Decision | null {
    const { resource, verdict } = cell;
    cell.decideAgainAt = Number.POSITIVE_INFINITY;
    const refusal = standing.refusals.get(resource.id);
    if (refusal) return { act: false, state: "blocked", code: refusal.code, args: refusal.args };
    if (!verdict) return { act: false, state: "unknown" };
    const before = resource.after.flatMap((id) => cells.get(id) ?? []);
    if (verdict.kind === "drift" && isOld(cell, before)) return null;
    const decision = decide(verdict, () => this.#situation(cell, before, standing, cells));
    if (!decision.act) this.#schedule(cell, decision, standing);
    return decision;
  }

  #situation(cell: Cell, before: readonly Cell[], standing: Standing, cells: Cells): Situation {
    const { resource, drift, contended } = cell;
    const { service } = resource;
    return {
      id: resource.id,
      frozen: this.#frozen(),
      pause: this.#pause(resource.id, standing),
      mode: standing.policy.mode,
      contended,
      away: this.#deps.awayMs() > AWAY_MS,
      gate: gateOf(resource.id, standing.gates),
      blockedBy: before.find((one) => one.state !== "in-sync")?.resource.id ?? null,
      backoffMs: this.#deps.backoffs.leftMs(resource),
      problem: cell.problem ?? "The last repair did not help.",
      atWork: resource.long ? atWork(resource, cells) : 0,
      busy: service ? this.#deps.busy.of(service) : null,
      drainMs: service?.drainMs ?? 0,
      driftMs: drift === null ? 0 : this.#deps.clock.mono() - drift.at,
    };
  }

  #frozen(): Situation["frozen"] {
    return this.#deps.frozen?.() ?? null;
  }

  #pause(id: string, standing: Standing): ActivePause | null {
    const now = this.#deps.clock.now();
    return pauseOf(id, this.#deps.store.pauses.all(now), standing.policy.pauses, now);
  }

  #schedule(cell: Cell, decision: Exclude<Decision, { act: true }>, standing: Standing): void {
    const now = this.#deps.clock.mono();
    if (decision.state === "paused") cell.decideAgainAt = now + this.#pauseLeftMs(cell, standing);
    else if (decision.code === "agent.failed-backoff")
      cell.decideAgainAt = now + this.#deps.backoffs.leftMs(cell.resource);
    else if (decision.code === "agent.busy") cell.decideAgainAt = now + BUSY_AGAIN_MS;
  }

  /** A pause with an end ends by itself, also on a machine that nothing else wakes. */
  #pauseLeftMs({ resource }: Cell, standing: Standing): number {
    const until = this.#pause(resource.id, standing)?.until ?? Number.POSITIVE_INFINITY;
    return Math.max(0, until - this.#deps.clock.now());
  }
}

/**
 * Whether a drift is not to be acted on before a look that is under way or due: its own; one that must follow a repair
 * of what it rests on; or one of something it comes after.
 */
function isOld(cell: Cell, before: readonly Cell[]): boolean {
  if (cell.look !== null || cell.stale) return true;
  const driftAt = cell.drift?.at ?? Number.NEGATIVE_INFINITY;
  // Looks that began after this drift was seen are not waited for: events without end must not hold it for ever.
  return before.some((one) => isOpen(one) || (one.look !== null && one.seenFrom < driftAt));
}

/** What is said of it is not what was seen of it last: that is to be decided first, or looked at anew. */
function isOpen({ state, verdict, stale, run }: Cell): boolean {
  return run === null && (stale || (state === "in-sync" && verdict?.kind !== "in-sync"));
}

/** How many jobs of its kind run. */
function atWork({ id }: Resource, cells: Cells): number {
  const kind = kindOf(id);
  return [...cells].filter(({ run, resource }) => run !== null && kindOf(resource.id) === kind).length;
}

function kindOf(id: string): string {
  return id.split("[", 1)[0] ?? id;
}

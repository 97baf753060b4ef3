import type { Resource } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../system/clock.ts";
import type { Busy } from "./busy.ts";
import type { Cell } from "./cell.ts";
import { type Decision, decide } from "./decide.ts";
import { type ActivePause, pauseOf } from "./pause.ts";
import type { Standing } from "./standing.ts";

export interface JudgeDeps {
  readonly clock: Clock;
  readonly store: Pick<Store, "pauses" | "retries">;
  readonly busy: Busy;
  /** How long the coordinator has not been heard of, in ms. */
  readonly awayMs: () => number;
}

const AWAY_MS = 24 * 3_600_000;
const BUSY_AGAIN_MS = 1_000;

/** Puts together what decides about one resource. It changes nothing but the cell's next time to decide. */
export class Judge {
  readonly #deps: JudgeDeps;

  constructor(deps: JudgeDeps) {
    this.#deps = deps;
  }

  pause(id: string, standing: Standing): ActivePause | null {
    const now = this.#deps.clock.now();
    return pauseOf(id, this.#deps.store.pauses.all(now), standing.policy.pauses, now);
  }

  /** null while something it comes after is being looked at: that look decides. */
  decide(cell: Cell, standing: Standing, cells: ReadonlyMap<string, Cell>): Decision | null {
    const { resource, verdict } = cell;
    const refusal = standing.refusals.get(resource.id);
    if (refusal) return { act: false, state: "blocked", code: refusal.code, args: refusal.args };
    if (!verdict) return { act: false, state: "unknown" };
    const before = resource.after.flatMap((id) => cells.get(id) ?? []);
    if (verdict.kind === "drift" && before.some((one) => one.looking)) return null;
    const backoffMs = this.#backoffMs(resource);
    const busy = resource.service && verdict.kind === "drift" ? this.#deps.busy.of(resource.service) : null;
    const decision = decide(verdict, {
      id: resource.id,
      pause: this.pause(resource.id, standing),
      mode: standing.policy.mode,
      contended: cell.contended,
      away: this.#deps.awayMs() > AWAY_MS,
      gate: standing.gates.find((gate) => gate.resource === resource.id) ?? null,
      blockedBy: before.find((one) => one.state !== "in-sync")?.resource.id ?? null,
      backoffMs,
      busy,
      drainMs: resource.service?.drainMs ?? 0,
      driftMs: cell.driftAt === null ? 0 : this.#deps.clock.mono() - cell.driftAt,
    });
    this.#schedule(cell, decision, backoffMs);
    return decision;
  }

  #backoffMs(resource: Resource): number {
    const retry = this.#deps.store.retries.get(resource.id, resource.hash);
    return retry ? Math.max(0, retry.nextAt - this.#deps.clock.now()) : 0;
  }

  #schedule(cell: Cell, decision: Decision, backoffMs: number): void {
    cell.decideAgainAt = Number.POSITIVE_INFINITY;
    if (decision.act) return;
    const now = this.#deps.clock.mono();
    if (decision.code === "agent.failed-backoff") cell.decideAgainAt = now + backoffMs;
    else if (decision.code === "agent.busy") cell.decideAgainAt = now + BUSY_AGAIN_MS;
  }
}

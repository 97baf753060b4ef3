import type { Clock } from "@fettle/shared/lib/clock.ts";

/** A rate of frames with a burst in front of it. */
export class FrameBudget {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#at = clock.mono();
  }

  /** Takes `cost` and says how many ms to wait before acting on it; 0 while the budget lasts. */
  take(cost: number): number {
    const now = this.#clock.mono();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#at) * this.#perMs) - cost;
    this.#at = now;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perMs);
  }
}

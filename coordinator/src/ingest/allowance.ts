import type { Clock } from "@fettle/shared/lib/clock.ts";

/** So many per key in each window of time. */
export class Allowance {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #taken = new Map<string, { since: number; count: number }>();

  constructor(clock: Clock, limit: number, windowMs: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  /** How many of `wanted` may go. */
  take(key: string, wanted = 1): number {
    const now = this.#clock.mono();
    const known = this.#taken.get(key);
    const window = known !== undefined && now - known.since < this.#windowMs ? known : { since: now, count: 0 };
    const granted = Math.max(0, Math.min(wanted, this.#limit - window.count));
    window.count += granted;
    this.#taken.delete(key);
    this.#taken.set(key, window);
    this.#forget(now);
    return granted;
  }

  /** Windows that are over stand in front, since whatever is used moves to the end. */
  #forget(now: number): void {
    for (const [key, { since }] of this.#taken) {
      if (now - since < this.#windowMs) return;
      this.#taken.delete(key);
    }
  }
}

import type { Clock } from "../../system/clock.ts";

const LOOK_MS = 1_000;

/** Fires its signal when nothing has moved for as long as was allowed. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #fired = new AbortController();
  readonly #ended = new AbortController();
  #firesAt: number;

  constructor(clock: Clock, silenceMs: number) {
    this.#clock = clock;
    this.#firesAt = clock.mono() + silenceMs;
    void this.#watch().catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#fired.signal;
  }

  /** It moves: this much silence is allowed from now on. */
  moved(silenceMs: number): void {
    this.#firesAt = this.#clock.mono() + silenceMs;
  }

  end(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<void> {
    while (!this.#fired.signal.aborted) {
      await this.#clock.sleep(LOOK_MS, this.#ended.signal);
      if (this.#clock.mono() >= this.#firesAt) this.#fired.abort();
    }
  }
}

import type { Clock } from "@fettle/agent/system/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** More at one moment is a loop that never rests. */
const MAX_WAKES = 1_000;

/** A clock that a test moves. `advance` runs what becomes due in order and lets everything settle in between. */
export class FakeClock implements Clock {
  #mono = 0;
  #sleepers: Sleeper[] = [];
  #epoch: number;

  constructor(epoch = 1_800_000_000_000) {
    this.#epoch = epoch;
  }

  now(): number {
    return this.#epoch + this.#mono;
  }

  mono(): number {
    return this.#mono;
  }

  /** Somebody sets the wall clock: on, or back when negative. Intervals do not see it. */
  jump(ms: number): void {
    this.#epoch += ms;
  }

  random(): number {
    return 0.5;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = { at: this.#mono + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
        reject(signal.reason);
      });
    });
  }

  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    let wakes = 0;
    await settle();
    for (;;) {
      const next = this.#sleepers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      wakes = next.at > this.#mono ? 0 : wakes + 1;
      if (wakes > MAX_WAKES) throw new Error("somebody sleeps for no time, again and again");
      this.#mono = Math.max(this.#mono, next.at);
      next.wake();
      await settle();
    }
    this.#mono = end;
    await settle();
  }
}

/** Lets promises and immediates that are ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

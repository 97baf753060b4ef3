import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "@fettle/agent/system/clock.ts";

/** The real clock, which a test can set ahead, and let run faster. */
export class BenchClock implements Clock {
  /** Ms that the wall clock is ahead. */
  ahead = 0;
  #speed = 1;
  #mono = 0;
  #real = performance.now();

  now(): number {
    return Date.now() + this.ahead;
  }

  mono(): number {
    const real = performance.now();
    this.#mono += (real - this.#real) * this.#speed;
    this.#real = real;
    return this.#mono;
  }

  /** How many seconds of the monotonic clock a real one has. */
  set speed(speed: number) {
    this.mono();
    this.#speed = speed;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleep(ms / this.#speed, undefined, signal === undefined ? {} : { signal });
  }

  random(): number {
    return 0.5;
  }
}

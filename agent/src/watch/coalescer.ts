import type { Clock } from "../system/clock.ts";

/** An event is passed on when this long no other came … */
const QUIET_MS = 50;
/** … and in any case this long after the first. */
const LATEST_MS = 250;

/** Makes one call of a burst of events: `systemctl stop` alone sends a dozen signals within 50 ms. */
export class Coalescer {
  readonly #clock: Clock;
  readonly #deliver: (what: readonly string[]) => void;
  readonly #pending = new Set<string>();
  readonly #end = new AbortController();
  #latest = 0;
  #settling = false;

  constructor(clock: Clock, deliver: (what: readonly string[]) => void) {
    this.#clock = clock;
    this.#deliver = deliver;
  }

  push(what: string): void {
    this.#pending.add(what);
    this.#latest = this.#clock.mono();
    if (!this.#settling) void this.#settle();
  }

  /** Nothing is delivered any more. */
  end(): void {
    this.#end.abort();
  }

  async #settle(): Promise<void> {
    this.#settling = true;
    const { signal } = this.#end;
    const first = this.#latest;
    while (!signal.aborted) {
      const left = Math.min(this.#latest + QUIET_MS, first + LATEST_MS) - this.#clock.mono();
      if (left <= 0) return this.#flush();
      await this.#clock.sleep(left, signal).catch(() => undefined);
    }
  }

  #flush(): void {
    const what = [...this.#pending].sort();
    this.#settling = false;
    this.#pending.clear();
    this.#deliver(what);
  }
}

import type { Clock } from "@fettle/shared/lib/clock.ts";

const WINDOW_MS = 30_000;
/** With one agent, its own event says it all. */
const SMALLEST_FLEET = 2;

/** Notices when more than half of the agents go away within half a minute; once, until half of them are back. */
export class FleetBrake {
  readonly #clock: Clock;
  #departures: number[] = [];
  #tripped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get tripped(): boolean {
    return this.#tripped;
  }

  /** `left` agents are still connected. Says who has gone when this departure is the one too many. */
  departed(left: number): { gone: number; all: number } | null {
    const now = this.#clock.mono();
    this.#departures = [...this.#departures.filter((at) => now - at < WINDOW_MS), now];
    const gone = this.#departures.length;
    const all = left + gone;
    if (this.#tripped || all < SMALLEST_FLEET || gone * 2 <= all) return null;
    this.#tripped = true;
    return { gone, all };
  }

  /** One agent came (back). */
  arrived(connected: number): void {
    this.#departures.pop();
    if (this.#tripped && connected >= this.#departures.length) this.#tripped = false;
  }
}

export const LEVELS = ["ok", "warning", "critical"] as const;
export type Level = (typeof LEVELS)[number];

/** Bounds for a value of which less is worse. */
export interface Bounds {
  readonly warning: number;
  readonly critical: number;
  /** How far above a bound the value must be before the level gets better: so it does not flap around the bound. */
  readonly margin: number;
}

/** The level of a value, given the one before. Pure. */
export function levelOf(before: Level, value: number, { warning, critical, margin }: Bounds): Level {
  const wasCritical = before === "critical";
  const wasBad = before !== "ok";
  if (value < critical + (wasCritical ? margin : 0)) return "critical";
  return value < warning + (wasBad ? margin : 0) ? "warning" : "ok";
}

/** Takes over a new value only when it came `times` in a row; the first one counts at once. */
export class Steady<T> {
  readonly #times: number;
  #value: T | null = null;
  #next: T | null = null;
  #seen = 0;

  constructor(times: number) {
    this.#times = times;
  }

  take(value: T): T {
    if (this.#value === null || value === this.#value) this.#settle(value);
    else if (value === this.#next && ++this.#seen >= this.#times) this.#settle(value);
    else if (value !== this.#next) {
      this.#next = value;
      this.#seen = 1;
      if (this.#times <= 1) this.#settle(value);
    }
    return this.#value ?? value;
  }

  #settle(value: T): void {
    this.#value = value;
    this.#next = null;
    this.#seen = 0;
  }
}

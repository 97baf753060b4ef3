import type { Progress } from "@fettle/shared/protocol/resource-report.ts";
import type { PullLine } from "../../clients/ollama.ts";

/** Adds up the lines of a pull, layer by layer, into bytes, rate and time left. */
export class PullProgress {
  readonly #expected: number | null;
  readonly #mono: () => number;
  readonly #layers = new Map<string, { total: number; completed: number }>();
  #startedAt: number | null = null;
  #startedWith = 0;

  constructor(expected: number | null, mono: () => number) {
    this.#expected = expected;
    this.#mono = mono;
  }

  get done(): number {
    return [...this.#layers.values()].reduce((sum, { completed }) => sum + completed, 0);
  }

  /** null for a line without bytes. */
  add({ digest, total, completed = 0 }: PullLine): Progress | null {
    if (digest === undefined || total === undefined) return null;
    this.#layers.set(digest, { total, completed });
    const now = this.#mono();
    if (this.#startedAt === null) {
      this.#startedAt = now;
      this.#startedWith = this.done;
    }
    const totalBytes = Math.max(this.#expected ?? 0, ...[this.#known()]);
    const seconds = (now - this.#startedAt) / 1000;
    const bytesPerSecond = seconds > 0.5 ? Math.max(0, (this.done - this.#startedWith) / seconds) : 0;
    const rest = totalBytes - this.done;
    return {
      text: "pulling",
      doneBytes: this.done,
      totalBytes,
      ...(bytesPerSecond > 0 ? { bytesPerSecond, secondsLeft: Math.round(rest / bytesPerSecond) } : {}),
    };
  }

  #known(): number {
    return [...this.#layers.values()].reduce((sum, { total }) => sum + total, 0);
  }
}

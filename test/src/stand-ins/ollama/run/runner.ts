import type { OpenModel } from "../models/model-details.ts";
import type { Memory } from "./memory.ts";
import type { RunnerProcess } from "./runner-process.ts";

/** The options that a loaded model cannot change without being loaded again. */
export interface RunnerOptions {
  /** undefined: nobody asked, the default holds. */
  numCtx: number | undefined;
  others: string;
}

/** A loaded model. */
export interface Runner {
  model: OpenModel;
  /** The name by which it was loaded. */
  shownAs: string;
  options: RunnerOptions;
  context: number;
  memory: Memory;
  process: RunnerProcess;
  /** ms; Infinity is for ever. */
  keepAlive: number;
  /** Requests that use it now. */
  users: number;
  expiresAt: Date | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Why it ended, when it did. */
  ended: string | undefined;
  onEnd: AbortController;
  /** One at a time per OLLAMA_NUM_PARALLEL; the rest wait. */
  slots: Slots;
}

/** A semaphore: at most `free` at once, the others in the order in which they came. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let done = false;
    return () => {
      if (done) return;
      done = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        const at = this.#waiting.indexOf(wake);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      this.#waiting.push(wake);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}

/** Go's longest duration is 292 years: what "for ever" looks like in `expires_at`. */
const FOREVER_MS = 9_223_372_036_854;

export function expiryOf(runner: Runner): Date {
  return runner.expiresAt ?? new Date(Date.now() + Math.min(runner.keepAlive, FOREVER_MS));
}

import type { Clock } from "@fettle/shared/lib/clock.ts";

/** A flag that a loop waits for. Set twice before it is looked at counts once: the loop reads the whole state anyway. */
export class Wake {
  #set = false;
  #waiting: (() => void) | null = null;

  set(): void {
    this.#set = true;
    this.#waiting?.();
  }

  /** Returns when set, or after `ms`; rejects with the signal's reason. Takes the flag down. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#set) await this.#sleep(clock, ms, signal);
    signal.throwIfAborted();
    this.#set = false;
  }

  async #sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#waiting = () => woken.abort();
    try {
      await clock.sleep(ms, AbortSignal.any([woken.signal, signal]));
    } catch (error) {
      if (!woken.signal.aborted) throw error;
    } finally {
      this.#waiting = null;
    }
  }
}

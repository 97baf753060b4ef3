const TERM_TO_KILL_MS = 2_000;
const KILL_TO_GIVE_UP_MS = 2_000;

export interface GuardOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Watches over a child that leads its own process group: when the time is over or the signal fires, the group gets
 * SIGTERM, 2 s later SIGKILL, and 2 s after that `giveUp` is called, because a process in uninterruptible sleep (a dead
 * network disk, a hung driver) dies by nothing.
 */
export class GroupGuard {
  timedOut = false;
  #ending = false;
  #released = false;
  #timer: NodeJS.Timeout;
  readonly #pid: number;
  readonly #signal: AbortSignal | undefined;
  readonly #giveUp: () => void;

  constructor(pid: number, { timeoutMs, signal }: GuardOptions, giveUp: () => void) {
    this.#pid = pid;
    this.#signal = signal;
    this.#giveUp = giveUp;
    this.#timer = setTimeout(() => {
      this.timedOut = true;
      this.#end();
    }, timeoutMs);
    signal?.addEventListener("abort", this.#end, { once: true });
    if (signal?.aborted) this.#end();
  }

  /** True when the guard ended the child. */
  get ended(): boolean {
    return this.#ending;
  }

  /** The child is gone. What it left in its group goes too, when the guard was ending it. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#end);
    if (this.#ending) this.#kill("SIGKILL");
  }

  readonly #end = (): void => {
    if (this.#ending) return;
    this.#ending = true;
    clearTimeout(this.#timer);
    this.#kill("SIGTERM");
    this.#timer = setTimeout(() => {
      this.#kill("SIGKILL");
      this.#timer = setTimeout(this.#giveUp, KILL_TO_GIVE_UP_MS);
    }, TERM_TO_KILL_MS);
  };

  #kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#pid, signal);
    } catch {
      // ESRCH: the whole group is gone, which is what is wanted.
    }
  }
}

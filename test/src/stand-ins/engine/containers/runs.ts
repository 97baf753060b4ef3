/** What is known of containers only while this engine lives: their processes, and who waits for their end. */
import type { Running } from "./process.ts";

export interface Run {
  process: Running | undefined;
  /** Somebody has asked for the end: no policy starts it again. */
  stopping: boolean;
  restartTimer: NodeJS.Timeout | undefined;
  waitMs: number;
  startedMs: number;
  /** Settled when the end of the process has been written down. */
  handled: Promise<void>;
}

type Waiter = { what: "stopped" | "next-exit" | "removed"; done: (exitCode: number) => void };

export class Runs {
  readonly #runs = new Map<string, Run>();
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #queues = new Map<string, Promise<unknown>>();

  of(id: string): Run {
    const known = this.#runs.get(id);
    if (known !== undefined) return known;
    const run = {
      process: undefined,
      stopping: false,
      restartTimer: undefined,
      waitMs: 0,
      startedMs: 0,
      handled: Promise.resolve(),
    };
    this.#runs.set(id, run);
    return run;
  }

  /** One change of a container at a time, in the order they were asked for. */
  async alone<T>(id: string, change: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const mine = before.then(change);
    this.#queues.set(
      id,
      mine.catch(() => undefined),
    );
    return await mine;
  }

  wait(id: string, what: Waiter["what"]): { exitCode: Promise<number>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiter = { what, done: resolve };
    this.#waiters.set(id, [...(this.#waiters.get(id) ?? []), waiter]);
    const cancel = (): void => {
      this.#waiters.set(
        id,
        (this.#waiters.get(id) ?? []).filter((one) => one !== waiter),
      );
    };
    return { exitCode: promise, cancel };
  }

  tell(id: string, what: readonly Waiter["what"][], exitCode: number): void {
    const waiters = this.#waiters.get(id) ?? [];
    this.#waiters.set(
      id,
      waiters.filter((one) => !what.includes(one.what)),
    );
    for (const waiter of waiters.filter((one) => what.includes(one.what))) waiter.done(exitCode);
  }

  forget(id: string): void {
    this.#runs.delete(id);
    this.#waiters.delete(id);
    this.#queues.delete(id);
  }
}

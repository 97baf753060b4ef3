/** For tests: time that passes only when something sleeps. */
export class StepClock {
  #mono = 0;
  readonly sleeps: number[] = [];
  now(): number {
    return 1_800_000_000_000 + this.#mono;
  }
  mono(): number {
    return this.#mono;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    this.#mono += ms;
  }
  pass(ms: number): void {
    this.#mono += ms;
  }
  random(): number {
    return 0.5;
  }
}

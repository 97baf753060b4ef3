/** Keys to look at, each at most once, in the order in which they were first asked for. */
export class KeyQueue {
  /** Key -> whether what hangs on it is to be looked at too. */
  readonly #pending = new Map<string, boolean>();
  #awake: () => void = () => undefined;

  /** `spread`: those that hang on the key are looked at after it. */
  add(key: string, spread: boolean): void {
    this.#pending.set(key, spread || this.#pending.get(key) === true);
    this.#awake();
  }

  take(): { key: string; spread: boolean } | undefined {
    const [first] = this.#pending;
    if (first === undefined) return undefined;
    this.#pending.delete(first[0]);
    return { key: first[0], spread: first[1] };
  }

  /** Resolves as soon as there is a key. */
  async some(): Promise<void> {
    if (this.#pending.size > 0) return;
    await new Promise<void>((resolve) => {
      this.#awake = resolve;
    });
  }
}

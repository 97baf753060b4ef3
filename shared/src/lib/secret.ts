const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** A value that never shows itself: string conversion, JSON and inspection all print `[redacted]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself; call it only where it is handed to the party it is for. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [INSPECT](): string {
    return REDACTED;
  }
}

export const REDACTED = "[redacted]";

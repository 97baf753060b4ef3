const EVERY_MS = 1_000;

/** Says how far a stream has come, at most once a second. */
export class Counter {
  readonly #total: number;
  readonly #say: (line: string) => void;
  #seen = 0;
  #saidAt = 0;

  constructor(total: number, say: (line: string) => void) {
    this.#total = total;
    this.#say = say;
  }

  /** Passes everything through, for a pipeline. */
  stream(): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
    const count = (bytes: number) => this.#count(bytes);
    return async function* counted(source) {
      for await (const chunk of source) {
        count(chunk.length);
        yield chunk;
      }
    };
  }

  end(): void {
    this.#say(`unpacked ${this.#seen} of ${this.#seen}`);
  }

  #count(bytes: number): void {
    this.#seen += bytes;
    const now = performance.now();
    if (now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    this.#say(`unpacked ${this.#seen} of ${this.#total}`);
  }
}

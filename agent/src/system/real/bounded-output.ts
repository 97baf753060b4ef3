import type { Readable } from "node:stream";

/** Reads a stream to its end and keeps its first `maxBytes`, so that a child never waits for a full pipe. */
export class BoundedOutput {
  #room: number;
  readonly #chunks: Buffer[] = [];

  constructor(stream: Readable | null, maxBytes: number) {
    this.#room = maxBytes;
    stream?.on("data", (chunk: Buffer) => this.#keep(chunk));
    stream?.on("error", () => {});
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  #keep(chunk: Buffer): void {
    if (this.#room <= 0) return;
    const kept = chunk.subarray(0, this.#room);
    this.#room -= kept.length;
    this.#chunks.push(kept);
  }
}

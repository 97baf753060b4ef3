import { writeFileSync, writeSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Faults } from "../../control.ts";
import type { OllamaFaults } from "../faults.ts";
import type { Log } from "../log.ts";
import { type PartRecord, writePart } from "./part-record.ts";
import { send } from "./registry-http.ts";

const TRIES = 6;
const STALL_MS = 30_000;

/** One range of a blob. A broken connection keeps its bytes; a stall is tried again for ever; six other failures end it. */
export class PartDownload {
  readonly record: PartRecord;
  readonly #path: string;
  readonly #parts: { faults: Faults<OllamaFaults>; log: Log };
  #now = 0;

  constructor(record: PartRecord, path: string, parts: { faults: Faults<OllamaFaults>; log: Log }) {
    this.record = record;
    this.#path = path;
    this.#parts = parts;
  }

  /** Bytes shown as complete: what is recorded and what this try has brought. It falls when a try is rolled back. */
  get progress(): number {
    return this.record.Completed + this.#now;
  }

  async run(url: URL, file: number, signal: AbortSignal): Promise<void> {
    let last: unknown;
    for (let tries = 0; tries < TRIES && this.record.Completed < this.record.Size; tries++) {
      try {
        await this.#attempt(url, file, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (isFinal(error)) throw error;
        last = error;
        if (error instanceof Stalled) tries--;
        else await this.#backOff(tries, error as Error, signal);
      }
    }
    if (this.record.Completed >= this.record.Size) return;
    throw new Error(`max retries exceeded: ${(last as Error).message}`, { cause: last });
  }

  async #attempt(url: URL, file: number, signal: AbortSignal): Promise<void> {
    const watch = new Watch(this.#parts.faults.now.stallMs ?? STALL_MS);
    const { record } = this;
    this.#now = 0;
    try {
      const from = record.Offset + record.Completed;
      const range = `bytes=${from}-${record.Offset + record.Size - 1}`;
      const either = AbortSignal.any([signal, watch.signal]);
      await this.#copy(await send("GET", url, { range }, either), file, watch, either);
    } catch (error) {
      this.#keep(signal.aborted || watch.signal.aborted || (error as Error).message === "unexpected EOF");
      throw signal.aborted ? signal.reason : watch.signal.aborted ? new Stalled() : error;
    } finally {
      watch.end();
    }
    this.#keep(true);
  }

  async #copy(response: IncomingMessage, file: number, watch: Watch, signal: AbortSignal): Promise<void> {
    const { record } = this;
    const start = record.Offset + record.Completed;
    const wanted = record.Size - record.Completed;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        const bytes = chunk.subarray(0, wanted - this.#now);
        await this.#faultsAt(record.Completed + this.#now + bytes.length, signal);
        writeSync(file, bytes, 0, bytes.length, start + this.#now);
        this.#now += bytes.length;
        watch.moved();
        if (this.#now >= wanted) return;
      }
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
      throw new Error("unexpected EOF", { cause: error });
    } finally {
      response.destroy();
    }
    throw new Error("EOF");
  }

  /** What the stand-in was told to do when `bytes` of the part would be there. */
  async #faultsAt(bytes: number, signal: AbortSignal): Promise<void> {
    const { pullError, diskFullAfterBytes, pullStallsAfterBytes } = this.#parts.faults.now;
    if (pullError !== undefined) throw new FinalError(pullError);
    if (diskFullAfterBytes !== undefined && bytes > diskFullAfterBytes) {
      writeFileSync(`${this.#path}-partial-${this.record.N}`, "");
      throw new FinalError(`write ${this.#path}-partial: no space left on device`);
    }
    if (pullStallsAfterBytes === undefined) return;
    const stalled = (): boolean => bytes > (this.#parts.faults.now.pullStallsAfterBytes ?? Infinity);
    while (stalled()) await sleep(20, undefined, { signal });
  }

  /** The bytes of this try become the record's, or are forgotten. */
  #keep(keep: boolean): void {
    if (keep) {
      this.record.Completed += this.#now;
      writePart(`${this.#path}-partial-${this.record.N}`, this.record);
    }
    this.#now = 0;
  }

  async #backOff(tries: number, error: Error, signal: AbortSignal): Promise<void> {
    const wait = 2 ** tries * (this.#parts.faults.now.retryMs ?? 1000);
    this.#parts.log.info(
      "download.go:299",
      `part ${this.record.N} attempt ${tries} failed: ${error.message}, retrying in ${wait / 1000}s`,
    );
    await sleep(wait, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

class FinalError extends Error {}

class Stalled extends Error {}

function isFinal(error: unknown): boolean {
  return error instanceof FinalError || ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** Aborts when nothing has moved for so long. */
class Watch {
  readonly #controller = new AbortController();
  readonly #ms: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number) {
    this.#ms = ms;
    this.moved();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  moved(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error("part stalled")), this.#ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

import { closeSync, constants, ftruncateSync, openSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ModelName } from "../models/model-name.ts";
import { goFileError } from "../models/traversable.ts";
import { directUrl } from "./direct-url.ts";
import type { Parts } from "./downloads.ts";
import { PartDownload } from "./part-download.ts";
import { cutIntoParts, readPart, writePart } from "./part-record.ts";
import { ask, type RegistryOptions, registryUrl } from "./registry-http.ts";

/** One blob on its way: a sparse file `-partial` of the whole size and a record per part, from which a later call goes on. */
export class BlobDownload {
  readonly digest: string;
  readonly #parts: Parts;
  readonly #url: URL;
  readonly #options: RegistryOptions;
  readonly #path: string;
  readonly #stop = new AbortController();
  readonly #done = Promise.withResolvers<void>();
  #pieces: PartDownload[] = [];
  #users = 0;
  ended = false;

  constructor(digest: string, parts: Parts, name: ModelName, options: RegistryOptions) {
    this.digest = digest;
    this.#parts = parts;
    this.#options = options;
    this.#url = registryUrl(name, options, `blobs/${digest}`);
    this.#path = parts.blobs.path(digest);
    this.#done.promise.catch(() => {});
  }

  get total(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.record.Size, 0);
  }

  get completed(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.progress, 0);
  }

  /** Goes on from the records that are there; without any, asks for the size and cuts anew. */
  async prepare(signal: AbortSignal): Promise<void> {
    const found = this.#recordFiles().map((file) => readPart(file));
    const records = found.length > 0 ? found : cutIntoParts(await this.#size(signal), this.#parts.faults.now.partBytes);
    if (found.length === 0) for (const record of records) writePart(`${this.#path}-partial-${record.N}`, record);
    const { faults, log } = this.#parts;
    this.#pieces = records.map((record) => new PartDownload(record, this.#path, { faults, log }));
    const first = records[0]?.Size ?? 0;
    log.info("download.go:212", `downloading ${short(this.digest)} in ${records.length} ${humanSize(first)} part(s)`);
  }

  /** Runs beside whoever waits; `onEnd` comes before their answer. */
  start(onEnd: () => void): void {
    const end = (): void => {
      this.ended = true;
      onEnd();
    };
    this.#run().then(
      () => {
        end();
        this.#done.resolve();
      },
      (error: unknown) => {
        end();
        this.#done.reject(error);
      },
    );
  }

  failed(error: unknown): void {
    this.ended = true;
    this.#done.reject(error);
  }

  /** Until the blob is there. When the last one who waits has gone, the download stops and keeps what it has. */
  async wait(gone: AbortSignal): Promise<void> {
    this.#users++;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(gone.reason);
    gone.addEventListener("abort", leave, { once: true });
    try {
      await Promise.race([this.#done.promise, left.promise]);
    } finally {
      gone.removeEventListener("abort", leave);
      this.#users--;
      if (this.#users === 0) this.#stop.abort(new Error("context canceled"));
    }
  }

  async #run(): Promise<void> {
    const file = openSync(`${this.#path}-partial`, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      ftruncateSync(file, this.total);
      const url = await directUrl(this.#url, this.#options, this.#stop.signal, this.#parts.log);
      await this.#allParts(url, file);
      this.#finish();
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === undefined
        ? error
        : new Error(goFileError(error), { cause: error });
    } finally {
      closeSync(file);
    }
  }

  /** Records go by their count, not by their number: when some were missing at the start, this fails as the real one does. */
  #finish(): void {
    for (const [index] of this.#pieces.entries()) unlinkSync(`${this.#path}-partial-${index}`);
    renameSync(`${this.#path}-partial`, this.#path);
  }

  /** The first part that fails for good stops the others. */
  async #allParts(url: URL, file: number): Promise<void> {
    const others = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, others.signal]);
    const runs = this.#pieces.map((piece) =>
      piece.run(url, file, signal).catch((error: unknown) => {
        others.abort(new Error("context canceled"));
        throw error;
      }),
    );
    const ends = await Promise.allSettled(runs);
    const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as Error] : []));
    const real = failures.find((failure) => failure.message !== "context canceled") ?? failures[0];
    if (real !== undefined) throw real;
  }

  async #size(signal: AbortSignal): Promise<number> {
    const response = await ask("HEAD", this.#url, this.#options, signal);
    response.resume();
    return Number(response.headers["content-length"] ?? 0);
  }

  #recordFiles(): string[] {
    const folder = dirname(this.#path);
    const start = `${basename(this.#path)}-partial-`;
    return readdirSync(folder)
      .filter((name) => name.startsWith(start))
      .sort((a, b) => Number(a.slice(start.length)) - Number(b.slice(start.length)))
      .map((name) => join(folder, name));
  }
}

/** How a digest is shown: its first twelve digits. */
export const short = (digest: string): string => digest.slice(7, 19);

function humanSize(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : bytes >= 1e3 ? `${Math.round(bytes / 1e3)} KB` : `${bytes} B`;
}

import type { Faults } from "../../control.ts";
import type { OllamaFaults } from "../faults.ts";
import type { Log } from "../log.ts";
import type { Blobs } from "../models/blobs.ts";
import type { ModelName } from "../models/model-name.ts";
import { BlobDownload } from "./blob-download.ts";
import type { RegistryOptions } from "./registry-http.ts";

export interface Parts {
  blobs: Blobs;
  faults: Faults<OllamaFaults>;
  log: Log;
}

/** Pulls that run. Several of one digest share one download, which ends when the last of them has gone. */
export class Downloads {
  readonly #parts: Parts;
  readonly #running = new Map<string, BlobDownload>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  running(): { digest: string; completed: number; total: number }[] {
    return [...this.#running.values()].map(({ digest, completed, total }) => ({ digest, completed, total }));
  }

  async join(digest: string, name: ModelName, options: RegistryOptions, signal: AbortSignal): Promise<BlobDownload> {
    const existing = this.#running.get(digest);
    if (existing !== undefined) return existing;
    const download = new BlobDownload(digest, this.#parts, name, options);
    this.#running.set(digest, download);
    try {
      await download.prepare(signal);
    } catch (error) {
      this.#running.delete(digest);
      download.failed(error);
      throw error;
    }
    download.start(() => this.#running.delete(digest));
    return download;
  }
}

import type { Progress } from "@fettle/shared/protocol/resource-report.ts";
import type { EnginePullLine } from "../../clients/engine/images.ts";

interface Layer {
  total: number;
  done: number;
}

const WHOLE: ReadonlySet<string> = new Set(["Download complete", "Verifying Checksum", "Extracting", "Pull complete"]);

/** Adds up the lines of a pull, layer by layer, into bytes, rate and time left. */
export class PullProgress {
  readonly #expected: number | null;
  readonly #mono: () => number;
  readonly #layers = new Map<string, Layer>();
  #unpacking = false;
  #startedAt: number | null = null;

  constructor(expected: number | null, mono: () => number) {
    this.#expected = expected;
    this.#mono = mono;
  }

  get done(): number {
    return [...this.#layers.values()].reduce((sum, { done }) => sum + done, 0);
  }

  /** null for a line that moves nothing. */
  add({ id, status = "", progressDetail }: EnginePullLine): Progress | null {
    if (id === undefined) return null;
    if (status === "Downloading") this.#downloaded(id, progressDetail?.current ?? 0, progressDetail?.total ?? 0);
    else if (WHOLE.has(status)) this.#whole(id, status);
    else return null;
    return this.#progress();
  }

  #downloaded(id: string, current: number, total: number): void {
    this.#startedAt ??= this.#mono();
    this.#layers.set(id, { total: Math.max(total, current), done: current });
  }

  #whole(id: string, status: string): void {
    const layer = this.#layers.get(id);
    if (layer) layer.done = layer.total;
    this.#unpacking = status === "Extracting" || status === "Pull complete";
  }

  #progress(): Progress {
    const { done } = this;
    const known = [...this.#layers.values()].reduce((sum, { total }) => sum + total, 0);
    const totalBytes = Math.max(this.#expected ?? 0, known);
    const seconds = this.#startedAt === null ? 0 : (this.#mono() - this.#startedAt) / 1_000;
    const rate = seconds > 0.5 && done < totalBytes ? done / seconds : 0;
    return {
      text: this.#unpacking && done >= totalBytes ? "unpacking the image" : "pulling the image",
      doneBytes: done,
      totalBytes,
      ...(rate > 0 ? { bytesPerSecond: rate, secondsLeft: Math.round((totalBytes - done) / rate) } : {}),
    };
  }
}

import type { Host } from "../../system/host.ts";
import type { Kept } from "../resource.ts";

/** Under this key the loop keeps the last word of an operator that asked for another try. */
const RETRY = "retry";
const KEY = "sources-unreachable";
const AGAIN_MS = 3_600_000;
const SOURCES = ["/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/etc/apt/apt.conf"];

interface Unreachable {
  readonly problem: string;
  /** Wall-clock ms. */
  readonly at: number;
  readonly sources: string;
  readonly retry: string | null;
}

/** Remembers that no package source is reached from here: a machine without internet would try every few minutes. */
export class SourcesRecord {
  readonly #kept: Kept;
  readonly #host: Host;

  constructor({ kept, host }: { readonly kept: Kept; readonly host: Host }) {
    this.#kept = kept;
    this.#host = host;
  }

  async note(problem: string): Promise<void> {
    const { clock } = this.#host;
    const record = { problem, at: clock.now(), sources: await this.#sources(), retry: this.#kept.get(RETRY) };
    this.#kept.set(KEY, JSON.stringify(record));
  }

  /** The problem; null when it is to be tried: after an hour, when the sources were changed, when an operator asks. */
  async stands(): Promise<string | null> {
    const record = JSON.parse(this.#kept.get(KEY) ?? "null") as Unreachable | null;
    if (record === null || record.retry !== this.#kept.get(RETRY)) return null;
    const age = this.#host.clock.now() - record.at;
    if (age < 0 || age >= AGAIN_MS || record.sources !== (await this.#sources())) return null;
    return record.problem;
  }

  async #sources(): Promise<string> {
    const stats = await Promise.all(SOURCES.map((path) => this.#host.files.stat(path)));
    return stats.map((stat) => (stat === null ? "" : `${stat.mtimeMs}/${stat.size}`)).join(" ");
  }
}

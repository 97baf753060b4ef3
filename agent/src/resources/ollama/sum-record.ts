import type { Kept } from "../resource.ts";

/** Where the archive of a version is and what it must sum to. */
export interface OllamaArchive {
  readonly url: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

interface BadSum {
  readonly sha256: string;
  readonly found: string;
  /** Wall-clock ms. */
  readonly at: number;
}

/** Under this key the loop keeps the last word of an operator that asked for another try. */
const RETRY = "retry";
const KEY = "bad-sum";
const AGAIN_MS = 3_600_000;

/** Remembers a download that was another file: to fetch gigabytes every few minutes would help nobody. */
export class SumRecord {
  readonly #kept: Kept;

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  note(bad: BadSum): void {
    this.#kept.set(KEY, JSON.stringify({ ...bad, retry: this.#kept.get(RETRY) }));
  }

  forget(): void {
    this.#kept.delete(KEY);
  }

  /** What was found instead; null when it is to be tried. */
  stands(sha256: string, now: number): string | null {
    const bad = JSON.parse(this.#kept.get(KEY) ?? "null") as (BadSum & { retry: string | null }) | null;
    if (bad === null || bad.sha256 !== sha256 || bad.retry !== this.#kept.get(RETRY)) return null;
    return now >= bad.at && now - bad.at < AGAIN_MS ? bad.found || "none" : null;
  }
}

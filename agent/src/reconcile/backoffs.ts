import { backoffMs } from "@fettle/shared/lib/backoff.ts";
import type { Resource } from "../resources/resource.ts";
import type { Retries } from "../store/retries.ts";
import type { Clock } from "../system/clock.ts";

type Tried = Pick<Resource, "id" | "hash">;

interface Backoff {
  readonly hash: string;
  readonly failures: number;
  /** Monotonic ms. */
  readonly nextAt: number;
}

const LIMITS = { firstMs: 2_000, capMs: 300_000 };
const LEAST_MS = 500;

/**
 * How long a failed repair is not tried again, by (resource, hash). Counted by the monotonic clock, so that setting the
 * time changes nothing; the journal carries it over a restart, and a journal that cannot be written loses none of it.
 */
export class Backoffs {
  readonly #clock: Clock;
  readonly #retries: Retries;
  readonly #known = new Map<string, Backoff>();

  constructor(clock: Clock, retries: Retries) {
    this.#clock = clock;
    this.#retries = retries;
  }

  failures(resource: Tried): number {
    return this.#of(resource).failures;
  }

  /** Ms until the next try; 0 when it may be tried now. */
  leftMs(resource: Tried): number {
    return Math.max(0, this.#of(resource).nextAt - this.#clock.mono());
  }

  failed(resource: Tried): void {
    const { id, hash } = resource;
    const failures = this.#of(resource).failures + 1;
    const delay = backoffMs(failures, () => this.#clock.random(), LIMITS);
    this.#known.set(id, { hash, failures, nextAt: this.#clock.mono() + Math.max(LEAST_MS, delay) });
  }

  reset({ id, hash }: Tried): void {
    this.#known.set(id, { hash, failures: 0, nextAt: Number.NEGATIVE_INFINITY });
  }

  /** What it rests on was repaired: it may be tried now, and waits the longer if that was not it. */
  hasten({ id }: Tried): void {
    const known = this.#known.get(id);
    if (known !== undefined) this.#known.set(id, { ...known, nextAt: Number.NEGATIVE_INFINITY });
  }

  /** Writes into the journal what is known of it. */
  save({ id }: Pick<Tried, "id">): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    const { hash, failures, nextAt } = known;
    if (failures === 0) this.#retries.reset(id);
    else this.#retries.set(id, hash, { failures, nextAt: this.#clock.now() + Math.round(nextAt - this.#clock.mono()) });
  }

  /** Forgets what is no longer kept; the journal still knows it. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }

  #of({ id, hash }: Tried): Backoff {
    const known = this.#known.get(id);
    if (known?.hash === hash) return known;
    const stored = this.#retries.get(id, hash);
    // The clock may have been set since it was written: it is never further away than the longest pause.
    const left = stored ? Math.min(stored.nextAt - this.#clock.now(), LIMITS.capMs) : Number.NEGATIVE_INFINITY;
    const found = { hash, failures: stored?.failures ?? 0, nextAt: this.#clock.mono() + left };
    this.#known.set(id, found);
    return found;
  }
}

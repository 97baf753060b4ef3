import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";

const BURST = 20;
const PER_MS = BURST / 60_000;
/** More addresses than this are not remembered: the one that asked longest ago is forgotten. */
const ADDRESSES = 1000;

interface Bucket {
  left: number;
  at: number;
}

/** Twenty enrolments at once from one address, then one every 3 s. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `identity.rate-limited`. */
  take(address: string): void {
    const now = this.#clock.mono();
    const bucket = this.#buckets.get(address) ?? { left: BURST, at: now };
    const left = Math.min(BURST, bucket.left + (now - bucket.at) * PER_MS);
    if (left < 1) {
      throw new FettleError("identity.rate-limited", { seconds: Math.ceil((1 - left) / PER_MS / 1000) });
    }
    this.#buckets.delete(address);
    this.#buckets.set(address, { left: left - 1, at: now });
    if (this.#buckets.size > ADDRESSES) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const address of this.#buckets.keys()) {
      this.#buckets.delete(address);
      return;
    }
  }
}

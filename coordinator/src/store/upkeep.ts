import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import { meansStep } from "./means.ts";
import { MEAN_MS } from "./metric-means.ts";
import { pruneStep } from "./retention.ts";
import type { Store } from "./store.ts";

/** Between two steps, so that others can write. */
const BREATH_MS = 50;
const STEPS = 200;

export interface UpkeepParts {
  readonly store: Store;
  readonly clock: Clock;
  /** A round that failed is tried again at the next; nothing stops because of it. */
  readonly onFailed: (error: unknown) => void;
}

/** Keeps the tables within their retention and makes the 5-minute means, every 5 minutes. */
export class Upkeep implements Service {
  readonly id = "upkeep";
  readonly #parts: UpkeepParts;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, onFailed } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(MEAN_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.round(signal).catch(onFailed);
    }
  }

  /** One round: means first, since raw samples are pruned. */
  async round(signal?: AbortSignal): Promise<void> {
    const { store, clock } = this.#parts;
    await meansStep(store, clock.now());
    for (let step = 0; step < STEPS && signal?.aborted !== true; step += 1) {
      if ((await pruneStep(store.db, clock.now())) === 0) return;
      await clock.sleep(BREATH_MS, signal);
    }
  }
}

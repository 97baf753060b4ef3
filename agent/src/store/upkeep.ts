import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { Logger } from "pino";
import { MAX_JOURNAL_BYTES, type Store } from "./store.ts";

export interface UpkeepParts {
  readonly store: Pick<Store, "prune" | "repairs">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxBytes?: number;
}

const EVERY_MS = 60_000;
/** Longer than contention looks back in any sensible stack. */
const REPAIRS_MS = 30 * 86_400_000;

/** Holds the journal under its limits; what cannot be done now, on a full disk say, is done a minute later. */
export class Upkeep implements Service {
  readonly id = "upkeep";
  readonly #parts: UpkeepParts;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#prune();
      await this.#parts.clock.sleep(EVERY_MS, signal).catch(() => undefined);
    }
  }

  #prune(): void {
    const { store, clock, logger, maxBytes = MAX_JOURNAL_BYTES } = this.#parts;
    try {
      store.prune(maxBytes);
      store.repairs.prune(clock.now() - REPAIRS_MS);
    } catch (err) {
      logger.error({ err }, "the journal could not be pruned");
    }
  }
}

import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Logger } from "pino";
import type { Store } from "../store/store.ts";
import type { Allowance } from "./allowance.ts";
import type { EventFeed } from "./event-feed.ts";

export interface IngestParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventFeed;
  /** Wakes the reconciler for a node. */
  readonly touch: (node: string) => void;
}

/** With what the takers of frames share beside it. */
export interface TakerParts extends IngestParts {
  /** Events per node; an agent that flaps or floods does not fill the list for the others. */
  readonly allowance: Allowance;
}

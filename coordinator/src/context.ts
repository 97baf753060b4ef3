import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { Hub } from "./hub/hub.ts";
import type { EventFeed } from "./ingest/event-feed.ts";
import type { Pki } from "./pki/pki.ts";
import type { Preview } from "./reconciler/preview.ts";
import type { StackView } from "./reconciler/stack-view.ts";
import type { MetaRow } from "./store/meta.ts";
import type { Store } from "./store/store.ts";

/** Looks at one node at a time, by key: a touch says only "look again". */
export interface Reconciler extends Service {
  touch(node: string): void;
  /** Every node of the stack. */
  touchAll(stack: string): void;
  /** All that is known of the stack now; null while nothing was applied. */
  read(stack: string): Promise<StackView | null>;
  /** What each node of the stack would be under this spec, and the X.Y that `image: auto` would be latched to. */
  preview(spec: StackSpec): Promise<Preview>;
}

/** What the reconciler is made of. It calls `hub.send` at every pass; the hub leaves out repeats. */
export interface ReconcilerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly meta: MetaRow;
  readonly hub: Hub;
  readonly events: EventFeed;
}

/** Everything of a running coordinator, composed in this file alone. */
export interface Context extends ReconcilerParts {
  readonly config: Config;
  readonly pki: Pki;
  readonly reconciler: Reconciler;
}

/** The operator's routes; put on the TLS listener and on the admin socket. */
export type RegisterRoutes = (app: FastifyInstance, context: Context) => void;

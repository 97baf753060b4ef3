import { join } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Service } from "@fettle/shared/lib/service.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { agentRoutes } from "./agents/routes.ts";
import { caRotation } from "./ca-rotation.ts";
import type { Config } from "./config.ts";
import type { AgentRoute } from "./hub/agent-route.ts";
import { Hub } from "./hub/hub.ts";
import { LIMITS } from "./hub/limits.ts";
import { EventFeed } from "./ingest/event-feed.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Mirror } from "./mirror/mirror.ts";
import { type Release, releasesIn } from "./mirror/releases.ts";
import { Pki } from "./pki/pki.ts";
import type { Rotation } from "./pki/rotation.ts";
import { createReconciler } from "./reconciler/loop.ts";
import type { Preview } from "./reconciler/preview.ts";
import type { StackView } from "./reconciler/stack-view.ts";
import { releaseFolders } from "./share.ts";
import type { MetaRow } from "./store/meta.ts";
import { openStore, type Store } from "./store/store.ts";

/** Looks at one node at a time, by key: a touch says only "look again". */
export interface Reconciler extends Service {
  touch(node: string): void;
  /** Every node of the stack. */
  touchAll(stack: string): void;
  /** All that is known of the stack now; null while nothing was applied. */
  read(stack: string): Promise<StackView | null>;
  /** What an apply of this spec would compile to; stores nothing. */
  preview(spec: StackSpec): Promise<Preview>;
}

/** What the reconciler is made of. It calls `hub.send` at every pass; the hub leaves out repeats. */
export interface ReconcilerParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly meta: MetaRow;
  readonly hub: Hub;
  readonly pki: Pick<Pki, "roots" | "isGoing">;
  readonly events: EventFeed;
  /** The agent's releases that lie there now, newest first. */
  releases(): Promise<readonly Release[]>;
  /** What is served in place of the internet. */
  readonly mirror: Mirror;
}

/** Everything of a running coordinator, composed in this file alone. */
export interface Context extends ReconcilerParts {
  readonly config: Config;
  readonly reconciler: Reconciler;
  readonly pki: Pki;
  readonly rotation: Rotation;
  /** Where the agent's releases lie, the operator's own folder first. */
  readonly releaseFolders: readonly string[];
}

/** The operator's routes; put on the TLS listener and on the admin socket. */
export type RegisterRoutes = (app: FastifyInstance, context: Context) => void;

export interface Given {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens what `coordinator init` made. Throws `store.not-initialised`, `store.newer`, `coordinator.bad-pki` and the like. */
export async function createContext({ config, clock, logger }: Given): Promise<Context> {
  const { data } = config.paths;
  const store = await openStore(join(data, "fettle.db"), { mustExist: true });
  try {
    const meta = await store.meta.read();
    if (meta === undefined) throw new FettleError("store.not-initialised", { folder: data });
    const mirror = await Mirror.open({ data, clock });
    const events = await EventFeed.open(store, clock);
    const pki = await openPki({ config, clock, logger }, store, meta, () => hub.port);
    const ingest = new Ingest({ store, clock, logger, events, touch: (node) => reconciler.touch(node) });
    const hub: Hub = createHub(
      { config, clock, logger },
      meta,
      pki,
      ingest,
      agentRoutes(() => context),
    );
    const folders = releaseFolders(config);
    const releases = () => releasesIn(folders);
    const parts: ReconcilerParts = { clock, logger, store, meta, hub, pki, events, releases, mirror };
    const reconciler: Reconciler = createReconciler(parts);
    const rotation = caRotation({ ...parts, config, pki, reconciler });
    const context: Context = { ...parts, config, pki, reconciler, rotation, releaseFolders: folders };
    return context;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openPki(
  { config, clock, logger }: Given,
  store: Store,
  meta: MetaRow,
  agentPort: () => number,
): Promise<Pki> {
  return await Pki.open({
    folder: join(config.paths.data, "pki"),
    store,
    clock,
    coordinatorId: meta.coordinatorId,
    names: [config.api.host, config.agents.host, ...config.names],
    agentPort,
    onRenewalFailed: (error) => logger.error({ err: error }, "server certificate not renewed"),
  });
}

function createHub(
  { config, clock }: Given,
  meta: MetaRow,
  pki: Pki,
  handlers: Ingest,
  routes: readonly AgentRoute[],
): Hub {
  const { epoch, incarnation } = meta;
  const tls = () => ({
    certificate: pki.server().certificate,
    key: pki.server().key.reveal(),
    ca: pki.roots.join("\n"),
  });
  const hub = new Hub({
    address: config.agents,
    tls: tls(),
    epoch,
    incarnation,
    clock,
    limits: LIMITS,
    handlers,
    routes,
  });
  pki.onRenewed(() => hub.renewCertificate(tls()));
  return hub;
}

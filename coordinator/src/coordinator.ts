import type { Service } from "@fettle/shared/lib/service.ts";
import type { Context, RegisterRoutes } from "./context.ts";
import { HttpServers } from "./http/http-servers.ts";
import { Upkeep } from "./store/upkeep.ts";

export interface Listening {
  readonly apiPort: number;
  readonly agentPort: number;
}

/** A coordinator that listens; `run` serves until the signal fires and leaves the store closed. */
export interface Coordinator extends Listening {
  run(signal: AbortSignal): Promise<void>;
}

/** Opens all the doors, or none. Throws `coordinator.cannot-listen`. */
export async function openCoordinator(context: Context, registerRoutes: RegisterRoutes): Promise<Coordinator> {
  const { hub, reconciler, pki, rotation, store, clock, logger } = context;
  const http = new HttpServers(context, registerRoutes);
  const listening = await listen(context, http).catch(async (error: unknown) => {
    await Promise.all([http.close(), hub.run(AbortSignal.abort())]);
    await store.close();
    throw error;
  });
  const onFailed = (error: unknown): void => logger.error({ err: error }, "upkeep round failed");
  const upkeep = new Upkeep({ store, clock, onFailed });
  logger.info(listening, "coordinator listening");
  return {
    ...listening,
    async run(signal) {
      await runAll([hub, http, reconciler, pki, rotation, upkeep], signal);
      await store.close();
      logger.info("coordinator stopped");
    },
  };
}

async function listen({ hub }: Context, http: HttpServers): Promise<Listening> {
  const { port } = await hub.listen();
  return { apiPort: await http.listen(), agentPort: port };
}

/** Runs services until the signal fires. One that ends by an error ends them all, and that error is thrown. */
async function runAll(services: readonly Service[], signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const running = services.map(async (service) => {
    try {
      await service.run(either);
    } finally {
      stop.abort();
    }
  });
  const ends = await Promise.allSettled(running);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

import { registerRoutes } from "../api/register.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { createContext } from "../context.ts";
import { openCoordinator } from "../coordinator.ts";
import { createLogger } from "../logger.ts";

/** Runs the coordinator until the signal fires. Throws when it cannot start, or when a part of it fails. */
export async function start(config: Config, signal: AbortSignal): Promise<void> {
  const logger = createLogger(config.logLevel);
  const context = await createContext({ config, clock: systemClock, logger });
  const coordinator = await openCoordinator(context, registerRoutes);
  await coordinator.run(signal);
}

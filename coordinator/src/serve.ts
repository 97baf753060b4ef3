import { registerRoutes } from "./api/register.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { createContext } from "./context.ts";
import { openCoordinator } from "./coordinator.ts";
import { createLogger } from "./logger.ts";

/** Runs a coordinator until the signal fires. Throws when it cannot start, or when a part of it fails. */
export async function serve(config: Config, signal: AbortSignal): Promise<void> {
  const context = await createContext({ config, clock: systemClock, logger: createLogger(config.logLevel) });
  const coordinator = await openCoordinator(context, registerRoutes);
  await coordinator.run(signal);
}

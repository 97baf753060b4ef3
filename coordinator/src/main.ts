import { FettleError } from "@fettle/shared/lib/errors.ts";
import { registerRoutes } from "./api/register.ts";
import { systemClock } from "./clock.ts";
import { readConfig } from "./config.ts";
import { createContext } from "./context.ts";
import { openCoordinator } from "./coordinator.ts";
import { readEnv } from "./env.ts";
import { createLogger } from "./logger.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());

try {
  const config = readConfig(readEnv(process.env));
  const context = await createContext({ config, clock: systemClock, logger: createLogger(config.logLevel) });
  const coordinator = await openCoordinator(context, registerRoutes);
  await coordinator.run(stop.signal);
} catch (error) {
  const text = error instanceof FettleError ? `${error.message}\n${error.remedy}` : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

import { type DestinationStream, type Logger, pino } from "pino";
import type { LogLevel } from "./env.ts";
import type { Secrets } from "./secrets.ts";

/**
 * JSON lines on stdout, which the unit's journal takes. A line is a constant message and fields; known secrets are cut
 * out of the finished line, so that no field can carry one.
 */
export function createLogger(level: LogLevel, secrets: Secrets, destination?: DestinationStream): Logger {
  const options = { level, base: null, hooks: { streamWrite: (line: string) => secrets.cut(line) } };
  return destination === undefined ? pino(options) : pino(options, destination);
}

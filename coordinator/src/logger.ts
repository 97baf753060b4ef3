import { REDACTED } from "@fettle/shared/lib/secret.ts";
import { type Logger, pino } from "pino";
import type { LogLevel } from "./config.ts";
import { redactedPaths } from "./secrets.ts";

/** JSON lines on standard output: a constant message and fields. The service manager keeps and stamps them. */
export function createLogger(level: LogLevel): Logger {
  return pino({ level, base: null, redact: { paths: redactedPaths(), censor: REDACTED } });
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";

/** The one place that reads the process's environment. */
export interface AgentEnv {
  /** The local configuration and policy. */
  readonly configPath: string;
  /** Identity, secrets, desired state and journal. */
  readonly dataFolder: string;
  /** The socket of the local commands. */
  readonly runFolder: string;
  readonly logLevel: LogLevel;
  /** An enrolment token for `fettle-agent enrol`. */
  readonly token: Secret | null;
  /** Who runs a command, for the audit; root may say what it likes here. */
  readonly user: string;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Throws FettleError `agent.env-invalid`. */
export function readEnv(env: Readonly<Record<string, string | undefined>>): AgentEnv {
  return {
    configPath: absolute(env, "FETTLE_AGENT_CONFIG", "/etc/fettle/agent.yaml"),
    dataFolder: absolute(env, "FETTLE_AGENT_DATA", "/var/lib/fettle-agent"),
    runFolder: absolute(env, "FETTLE_AGENT_RUN", "/run/fettle-agent"),
    logLevel: logLevel(env.FETTLE_LOG_LEVEL ?? "info"),
    token: env.FETTLE_TOKEN === undefined ? null : new Secret(env.FETTLE_TOKEN.trim()),
    user: (env.SUDO_USER || env.USER || "root").slice(0, 120),
  };
}

function absolute(env: Readonly<Record<string, string | undefined>>, name: string, otherwise: string): string {
  const found = env[name] ?? otherwise;
  if (!/^\/(?!\/).*[^/]$/.test(found) || found.split("/").includes(".."))
    throw new FettleError("agent.env-invalid", { name, found, problem: "an absolute path without `..` is expected" });
  return found;
}

function logLevel(found: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === found);
  if (level !== undefined) return level;
  const problem = `one of ${LOG_LEVELS.join(", ")} is expected`;
  throw new FettleError("agent.env-invalid", { name: "FETTLE_LOG_LEVEL", found, problem });
}

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { AGENT_PORT, API_PORT } from "@fettle/shared/api/enrol.ts";
import { splitHostPort } from "@fettle/shared/lib/address.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import * as yaml from "yaml";
import * as z from "zod";
import type { Env } from "./env.ts";
import { shareAbove } from "./share.ts";

/** Where the coordinator keeps things and where it listens. */
export interface Config {
  readonly paths: Paths;
  /** The folder that came with the program: `deploy/` and `agents/` are in it. */
  readonly share: string;
  readonly api: Address;
  readonly agents: Address;
  /** More names and addresses for the coordinator's certificate, beside its fixed name and localhost. */
  readonly names: readonly string[];
  readonly logLevel: LogLevel;
}

export interface Paths {
  /** /var/lib/fettle */
  readonly data: string;
  /** /etc/fettle */
  readonly config: string;
  /** /run/fettle */
  readonly run: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/** coordinator.yaml; everything in it may be left out. */
const file = z.strictObject({
  listen: z.strictObject({ api: z.string().optional(), agents: z.string().optional() }).optional(),
  names: z
    .array(z.union([z.ipv4(), z.ipv6(), z.string().regex(HOST_NAME)]))
    .max(50)
    .optional(),
  logLevel: z.enum(LOG_LEVELS).optional(),
});

export const CONFIG_FILE = "coordinator.yaml";

export function pathsOf(env: Env): Paths {
  return {
    data: absolute("FETTLE_DATA", env.data ?? "/var/lib/fettle"),
    config: absolute("FETTLE_CONFIG", env.config ?? "/etc/fettle"),
    run: absolute("FETTLE_RUN", env.run ?? "/run/fettle"),
  };
}

/** The environment before coordinator.yaml before the defaults. Throws `coordinator.bad-config`. */
export function readConfig(env: Env): Config {
  const paths = pathsOf(env);
  const said = readFile(join(paths.config, CONFIG_FILE));
  const api = address(env.listenApi, "FETTLE_LISTEN_API", said.listen?.api, "listen.api", API_PORT);
  const agents = address(env.listenAgents, "FETTLE_LISTEN_AGENTS", said.listen?.agents, "listen.agents", AGENT_PORT);
  if (api.host === agents.host && api.port === agents.port) {
    throw bad("listen", "the API and the agents need a port each");
  }
  const share = env.share === undefined ? shareAbove(import.meta.dirname) : absolute("FETTLE_SHARE", env.share);
  const level = logLevel(env.logLevel) ?? said.logLevel ?? "info";
  return { paths, share, api, agents, names: said.names ?? [], logLevel: level };
}

function readFile(path: string): z.infer<typeof file> {
  if (!existsSync(path)) return {};
  const result = file.safeParse(parse(path) ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw bad(`${path}: ${issue?.path.join(".") ?? ""}`, issue?.message ?? "invalid");
}

function parse(path: string): unknown {
  try {
    return yaml.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw bad(path, messageOf(error));
  }
}

function address(
  fromEnv: string | undefined,
  variable: string,
  fromFile: string | undefined,
  key: string,
  port: number,
): Address {
  const text = fromEnv ?? fromFile;
  if (text === undefined) return { host: "0.0.0.0", port };
  const found = splitHostPort(text);
  if (found === null) throw bad(fromEnv === undefined ? key : variable, `${text} is not ADDRESS:PORT`);
  return found;
}

function logLevel(text: string | undefined): LogLevel | undefined {
  if (text === undefined) return undefined;
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw bad("FETTLE_LOG_LEVEL", `${text} is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}

function absolute(variable: string, path: string): string {
  if (!isAbsolute(path)) throw bad(variable, `${path} is not an absolute path`);
  return path;
}

function bad(where: string, problem: string): FettleError {
  return new FettleError("coordinator.bad-config", { where, problem });
}

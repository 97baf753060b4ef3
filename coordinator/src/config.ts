/** Where the coordinator keeps things and where it listens. */
export interface Config {
  readonly paths: Paths;
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

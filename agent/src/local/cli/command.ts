import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { LocalCall } from "../../system/local-socket.ts";
import type { Uninstall } from "../../uninstall/uninstall.ts";

export interface EnrolRequest {
  readonly token: Secret;
  /** `host` or `host:port` from the command line; null takes those of agent.yaml. */
  readonly coordinator: string | null;
}

export interface Enrolled {
  readonly node: string;
  readonly stack: string;
  readonly roles: readonly string[];
}

/** What a command may do; handed in, so that it runs the same in a test. */
export interface Io {
  out(text: string): void;
  error(text: string): void;
  /** A call to the running agent; its parsed answer. Throws FettleError. */
  call(call: LocalCall): Promise<unknown>;
  enrol(request: EnrolRequest): Promise<Enrolled>;
  uninstall(): Uninstall;
  /** Asks for a yes on the terminal; null where there is none to ask on. */
  confirm(question: string): Promise<boolean | null>;
  /** From now on the process ends only when it is done: Ctrl-C and a lost terminal are ignored. */
  holdOn(): void;
  readonly isRoot: boolean;
  /** A small text file of this machine, as it is; null when there is none. */
  readFile(path: string): Promise<string | null>;
  /** What is piped in; null on a terminal. */
  readStdin(): Promise<string | null>;
  /** FETTLE_TOKEN, when it is set. */
  readonly token: Secret | null;
  /** Who runs the command, for the audit. */
  readonly user: string;
  readonly clock: Pick<Clock, "now">;
}

/** The words after the command's name: what its options say, and the rest. */
export interface Words {
  readonly json: boolean;
  readonly detailedExitcode: boolean;
  readonly options: Readonly<Record<string, string | undefined>>;
  /** The names of the command's flags that were given. */
  readonly flags: ReadonlySet<string>;
  readonly positionals: readonly string[];
}

export interface Command {
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** What follows the name, as in `ID`. */
  readonly usage: string;
  /** Options that take a value, with a line each. */
  readonly options: Readonly<Record<string, string>>;
  /** Options that take none, with a line each. */
  readonly flags?: Readonly<Record<string, string>>;
  /** True when its exit status can tell the rolled-up word. */
  readonly detailed: boolean;
  /** Most words that it takes. */
  readonly positionals: number;
  /** The exit status. */
  run(words: Words, io: Io): Promise<number>;
}

/** Version of everything that `--json` prints. */
export const SCHEMA_VERSION = 1;

export function printJson(io: Io, value: object): void {
  io.out(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...value }, null, 2)}\n`);
}

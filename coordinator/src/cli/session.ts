import type { Clock } from "@fettle/shared/lib/clock.ts";
import type { Client } from "./client.ts";
import type { Output } from "./output.ts";

/** What a command works with. */
export interface Session {
  readonly api: Client;
  readonly out: Output;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `--stack`, as the routes take it. */
  readonly query: { readonly stack?: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file's text; `-` is standard input. Throws `cli.file-unreadable`. */
  read(file: string): Promise<string>;
}

import { schemaName } from "@fettle/shared/api/route.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import { RemoteError } from "../client.ts";
import { problemLines } from "./problems.ts";

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly details?: unknown;
}

/** What, why and the next command, of anything thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RemoteError) {
    const { code, message, remedy, details } = error;
    return details === undefined ? { code, message, remedy } : { code, message, remedy, details };
  }
  if (error instanceof FettleError)
    return { code: error.code, message: printable(error.message), remedy: error.remedy };
  return failureOf(new FettleError("cli.internal", { problem: messageOf(error) }, { cause: error }));
}

export function failureLines({ code, message, remedy, details }: Failure, file: string): string[] {
  return [`fettle: ${message} (${code})`, ...problemLines(file, details).map((line) => `  ${line}`), `next: ${remedy}`];
}

export function failureJson(failure: Failure): string {
  return JSON.stringify({ schema: schemaName("error"), error: failure });
}

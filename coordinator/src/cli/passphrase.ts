import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import type { Session } from "./session.ts";

const STANDARD_INPUT = "-";

/**
 * The passphrase from a file, else from standard input; the end of line after it does not count. Throws
 * `backup.no-passphrase`, also where standard input is a terminal, which would show it.
 */
export async function readPassphrase(session: Session, file: string | undefined): Promise<Secret> {
  if ((file === undefined || file === STANDARD_INPUT) && process.stdin.isTTY === true)
    throw new FettleError("backup.no-passphrase");
  const text = (await session.read(file ?? STANDARD_INPUT)).replace(/\r?\n$/, "");
  if (text.trim() === "") throw new FettleError("backup.no-passphrase");
  return new Secret(text);
}

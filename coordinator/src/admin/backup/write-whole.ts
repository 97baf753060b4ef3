import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { syncFolder } from "../../durable.ts";

export interface WriteWholeOptions {
  /** Whether a file that is there may be replaced. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes the file, 0600, whole or not at all: beside its place, on disk, then into its place. Returns its length. Throws
 * `backup.exists`, `backup.not-written`.
 */
export async function writeWhole(
  file: string,
  bytes: AsyncIterable<Uint8Array>,
  { force, signal }: WriteWholeOptions,
): Promise<number> {
  const beside = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    const target = createWriteStream(beside, { flags: "wx", mode: 0o600, flush: true });
    await pipeline(bytes, target, { signal });
    if (force) await rename(beside, file);
    else await putNew(beside, file);
    await syncFolder(dirname(file));
    return target.bytesWritten;
  } catch (error) {
    if (error instanceof FettleError || signal.aborted) throw error;
    throw new FettleError("backup.not-written", { file, problem: messageOf(error) }, { cause: error });
  } finally {
    await rm(beside, { force: true });
  }
}

/** A link is refused where there is a file already, also one that came this moment. */
async function putNew(beside: string, file: string): Promise<void> {
  try {
    await link(beside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new FettleError("backup.exists", { file }, { cause: error });
    // A file system without links; the name was free when the backup began.
    if (code !== "EPERM" && code !== "ENOTSUP") throw error;
    await rename(beside, file);
  }
}

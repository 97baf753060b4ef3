import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import type { Host } from "../system/host.ts";
import type { UpdateLayout } from "./layout.ts";
import type { ArchiveSource } from "./source.ts";

type FetchHost = Pick<Host, "files" | "clock">;

/** For so long nothing may come before it is given up: longer than a cut network or a coordinator that restarts. */
const GIVE_UP_MS = 10 * 60_000;
const PAUSE_MS = 2_000;
/** A silence that ends one try. */
const IDLE_MS = 30_000;

/**
 * Brings the archive next to the programs, going on where an earlier try ended, and holds it against the signed size and
 * sum. Resolves with its path. Throws FettleError `update.fetch-failed`, `update.sum-differs`, or the signal's reason.
 */
export async function fetchArchive(
  host: FetchHost,
  { programs }: UpdateLayout,
  source: ArchiveSource,
  manifest: ReleaseManifest,
  signal: AbortSignal,
): Promise<string> {
  const path = `${programs}/.fetch-${releaseArchiveName(manifest)}`;
  const part = `${path}.part`;
  for (let cameAt = host.clock.mono(); ; ) {
    const before = await sizeOf(host, part);
    if (before >= manifest.size) break;
    const problem = await fetchRest(host, source, manifest, part, signal);
    signal.throwIfAborted();
    const after = await sizeOf(host, part);
    if (after > before) cameAt = host.clock.mono();
    if (after >= manifest.size) break;
    if (host.clock.mono() - cameAt > GIVE_UP_MS) throw failed(manifest, problem ?? "it ended early");
    if (problem !== null || after <= before) await host.clock.sleep(PAUSE_MS, signal);
  }
  await check(host, part, manifest, signal);
  await host.files.rename(part, path);
  return path;
}

/** What ended it, or null when the body ended. A server's word that more tries are no use is thrown. */
async function fetchRest(
  host: FetchHost,
  source: ArchiveSource,
  manifest: ReleaseManifest,
  part: string,
  signal: AbortSignal,
): Promise<string | null> {
  const have = await sizeOf(host, part);
  const quiet = new AbortController();
  const both = AbortSignal.any([signal, quiet.signal]);
  let answer: Awaited<ReturnType<ArchiveSource["open"]>>;
  try {
    answer = await source.open(releaseArchiveName(manifest), have, both);
  } catch (error) {
    return messageOf(error);
  }
  try {
    if (answer.status === 404) throw failed(manifest, "the coordinator has no such archive");
    if (answer.status === 416) throw ended(manifest, have);
    if (answer.status !== 200 && answer.status !== 206) return `HTTP ${answer.status}`;
    if (answer.status === 200) await host.files.remove(part);
    const begin = answer.status === 206 ? have : 0;
    return await append(host, part, within(host, answer.chunks, quiet), manifest.size - begin);
  } finally {
    quiet.abort(new Error("done"));
    answer.close();
  }
}

/** Never more than was signed: an endless answer fills no disk. */
async function append(
  host: FetchHost,
  part: string,
  chunks: AsyncIterable<Uint8Array>,
  most: number,
): Promise<string | null> {
  let problem: string | null = null;
  const bounded = async function* (): AsyncGenerator<Uint8Array> {
    let left = most;
    try {
      for await (const chunk of chunks) {
        // One byte too many is kept, so that the size tells.
        if (chunk.length > left) return yield chunk.subarray(0, left + 1);
        left -= chunk.length;
        yield chunk;
      }
    } catch (error) {
      problem = messageOf(error);
    }
  };
  // Nothing in it is secret, and who unpacks it is not root.
  await host.files.append(part, bounded(), 0o644);
  return problem;
}

/** Ends with an error after a silence. */
async function* within(
  host: FetchHost,
  chunks: AsyncIterable<Uint8Array>,
  quiet: AbortController,
): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  for (;;) {
    const timer = new AbortController();
    const late = host.clock.sleep(IDLE_MS, timer.signal).then(() => {
      throw new Error(`nothing came for ${IDLE_MS / 1000} s`);
    });
    late.catch(() => undefined);
    try {
      const next = await Promise.race([iterator.next(), late]);
      if (next.done) return;
      yield next.value;
    } catch (error) {
      quiet.abort(error);
      throw error;
    } finally {
      timer.abort(new Error("it came"));
    }
  }
}

async function check(host: FetchHost, part: string, manifest: ReleaseManifest, signal: AbortSignal): Promise<void> {
  const { version, size, sha256 } = manifest;
  const found = await sizeOf(host, part);
  const sum = found === size ? await host.files.sha256(part, signal) : null;
  if (sum === sha256) return;
  await host.files.remove(part);
  const problem = sum === null ? `it has ${found} bytes and not ${size}` : `its sha256 is ${sum} and not ${sha256}`;
  throw new FettleError("update.sum-differs", { version, problem });
}

function ended({ version, size }: ReleaseManifest, bytes: number): FettleError {
  return new FettleError("update.sum-differs", { version, problem: `it ends after ${bytes} bytes of ${size}` });
}

function failed({ version }: ReleaseManifest, problem: string): FettleError {
  return new FettleError("update.fetch-failed", { version, problem: problem.slice(0, 300) });
}

async function sizeOf(host: FetchHost, path: string): Promise<number> {
  const stat = await host.files.stat(path);
  return stat?.kind === "file" ? stat.size : 0;
}

import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { Host } from "../system/host.ts";
import type { HttpStream } from "../system/http.ts";

export interface Wanted {
  readonly url: string;
  /** Opens it from a byte on, where no URL leads to it. */
  readonly open?: (from: number, signal: AbortSignal) => Promise<HttpStream>;
  /** While it is not whole its name ends in `.part`. */
  readonly to: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

export type Downloaded =
  | { readonly kind: "whole" }
  /** Whole, but another file than wanted; it is removed. */
  | { readonly kind: "sum-differs"; readonly found: string }
  /** The server's word; to ask again at once is no use. */
  | { readonly kind: "refused"; readonly problem: string }
  /** It ended early, again and again; what came is kept. */
  | { readonly kind: "cut"; readonly problem: string };

/** Bytes so far and in all; null when the server does not say. */
export type OnBytes = (done: number, total: number | null) => void;

const HEAD_MS = 30_000;
const IDLE_MS = 60_000;
const REDIRECTS = 5;
/** Tries in a row that brought nothing. */
const EMPTY_TRIES = 3;
const PAUSE_MS = 1_000;

/**
 * Downloads a file, goes on where an earlier call ended, and keeps it only when its sum is the wanted one. Redirects
 * are followed, from https to https alone. Throws only the signal's reason and what the disk says.
 */
export async function download(host: Host, wanted: Wanted, signal: AbortSignal, onBytes: OnBytes): Promise<Downloaded> {
  const part = `${wanted.to}.part`;
  for (let empty = 0; ; ) {
    const before = await sizeOf(host, part);
    const outcome = await fetchRest(host, wanted, part, before, signal, onBytes);
    signal.throwIfAborted();
    if (outcome.kind === "whole") return keep(host, wanted, part, signal);
    if (outcome.kind === "refused") return outcome;
    empty = (await sizeOf(host, part)) > before ? 0 : empty + 1;
    if (empty === EMPTY_TRIES) return outcome;
    await host.clock.sleep(PAUSE_MS, signal);
  }
}

/** Bytes of an unfinished download. */
export async function partBytes(host: Host, to: string): Promise<number> {
  return (await sizeOf(host, `${to}.part`)) + (await sizeOf(host, to));
}

async function keep(host: Host, { to, sha256 }: Wanted, part: string, signal: AbortSignal): Promise<Downloaded> {
  const found = (await host.files.sha256(part, signal)) ?? "";
  if (found === sha256) {
    await host.files.rename(part, to);
    return { kind: "whole" };
  }
  await host.files.remove(part);
  return { kind: "sum-differs", found };
}

type Fetched = Exclude<Downloaded, { kind: "sum-differs" }>;

async function fetchRest(
  host: Host,
  { url, open }: Wanted,
  part: string,
  have: number,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<Fetched> {
  let answer: HttpStream | { readonly refused: string };
  try {
    if (open !== undefined) answer = await open(have, signal);
    else answer = await follow(host, url, have > 0 ? { range: `bytes=${have}-` } : {}, signal);
  } catch (error) {
    return { kind: "cut", problem: messageOf(error) };
  }
  if ("refused" in answer) return { kind: "refused", problem: answer.refused };
  try {
    return await take(host, answer, part, have, onBytes);
  } finally {
    answer.close();
  }
}

/** What an answer brings. A server that knows no ranges begins anew, and so does the file. */
async function take(host: Host, answer: HttpStream, part: string, have: number, onBytes: OnBytes): Promise<Fetched> {
  const { status, headers } = answer;
  // Nothing is left to send: the file is whole, or it is another one, which its sum will tell.
  if (status === 416) return { kind: "whole" };
  if (status === 429 || status >= 500) return { kind: "cut", problem: `status ${status}` };
  if (status !== 200 && status !== 206) return { kind: "refused", problem: `status ${status}` };
  const begin = status === 206 && headers["content-range"]?.startsWith(`bytes ${have}-`) ? have : 0;
  if (begin === 0) await host.files.remove(part);
  if (status === 206 && begin !== have) return { kind: "cut", problem: "the server sent another part than asked for" };
  const length = headers["content-length"];
  const total = length === undefined ? null : begin + Number(length);
  let done = begin;
  const counted = async function* () {
    for await (const chunk of answer.chunks) {
      yield chunk;
      done += chunk.length;
      onBytes(done, total);
    }
  };
  const cut = Promise.withResolvers<unknown>();
  await host.files.append(part, endingEarly(counted(), cut.resolve), 0o600);
  cut.resolve(null);
  const problem = await cut.promise;
  if (problem !== null) return { kind: "cut", problem: messageOf(problem) };
  return total === null || done >= total ? { kind: "whole" } : { kind: "cut", problem: `ended after ${done} bytes` };
}

/** Ends where the source fails and tells of it: the network's failures are told apart from the disk's. */
async function* endingEarly(source: AsyncIterable<Uint8Array>, onFailure: (error: unknown) => void) {
  try {
    yield* source;
  } catch (error) {
    onFailure(error);
  }
}

async function follow(
  host: Host,
  from: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpStream | { readonly refused: string }> {
  let url = from;
  for (let hops = 0; hops <= REDIRECTS; hops += 1) {
    const answer = await host.http.stream({ url, headers, deadlineMs: HEAD_MS, idleMs: IDLE_MS, signal });
    const { location } = answer.headers;
    if (answer.status < 300 || answer.status > 399 || location === undefined) return answer;
    answer.close();
    const next = URL.canParse(location, url) ? new URL(location, url) : null;
    if (next?.protocol !== "https:" && (next?.protocol !== "http:" || url.startsWith("https:")))
      return { refused: `a redirect to ${location.slice(0, 200)}` };
    url = next.href;
  }
  return { refused: `more than ${REDIRECTS} redirects` };
}

async function sizeOf(host: Host, path: string): Promise<number> {
  const stat = await host.files.stat(path);
  return stat?.kind === "file" ? stat.size : 0;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { RegistryFaults } from "./faults.ts";

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  faults: Partial<RegistryFaults>;
  /** True when one of the faults of a transfer meets this one; counted. */
  meets(): boolean;
}

/** Something of a known size that can be read in ranges. */
export interface Readable {
  size: number;
  read(start: number, end: number): Buffer | Promise<Buffer>;
}

export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  sendText(exchange, status, JSON.stringify(value), { "content-type": "application/json", ...headers });
}

export function sendText(exchange: Exchange, status: number, text: string, headers: Record<string, string> = {}): void {
  const { request, response } = exchange;
  response.writeHead(status, { "content-length": Buffer.byteLength(text), ...headers });
  response.end(request.method === "HEAD" ? undefined : text);
}

/** The file, or the range of it that was asked for, with whatever the faults do to it on the way. */
export async function sendFile(
  exchange: Exchange,
  file: Readable,
  headers: Record<string, string> = {},
): Promise<void> {
  const { request, response } = exchange;
  const range = rangeOf(request.headers.range, file.size);
  if (range === "unsatisfiable") return sendText(exchange, 416, "", { "content-range": `bytes */${file.size}` });
  const [start, end] = range ?? [0, file.size];
  const limit = request.method === "HEAD" ? undefined : limitOf(exchange);
  const early = limit?.how === "end";
  response.writeHead(range === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "accept-ranges": "bytes",
    ...(!early && { "content-length": end - start }),
    ...(range !== undefined && { "content-range": `bytes ${start}-${end - 1}/${file.size}` }),
    ...headers,
  });
  const last = Math.min(end, start + (limit?.bytes ?? Infinity));
  if (request.method !== "HEAD") await pour(exchange, file, start, last);
  if (limit === undefined || last === end || early) return void response.end();
  if (limit.how === "cut") response.destroy();
}

/** Ends without ending the answer: what comes after the last byte is the caller's. */
async function pour(exchange: Exchange, file: Readable, start: number, end: number): Promise<void> {
  await pipeline(piecesOf(exchange.faults, file, start, end), exchange.response, { end: false });
}

async function* piecesOf(
  faults: Partial<RegistryFaults>,
  file: Readable,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  const rate = faults.bytesPerSecond;
  const step = rate === undefined ? 256 * 1024 : Math.max(1, Math.floor(rate / 20));
  for (let at = start; at < end; at += step) {
    const bytes = Buffer.from(await file.read(at, Math.min(end, at + step)));
    if (faults.corrupt === true && at === start) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
    yield bytes;
    if (rate !== undefined) await sleep(50);
  }
}

function limitOf(exchange: Exchange): { how: "stall" | "cut" | "end"; bytes: number } | undefined {
  const { stallAfterBytes, cutAfterBytes, endAfterBytes } = exchange.faults;
  const limits = [
    { how: "stall" as const, bytes: stallAfterBytes },
    { how: "cut" as const, bytes: cutAfterBytes },
    { how: "end" as const, bytes: endAfterBytes },
  ];
  const found = limits.find((limit) => limit.bytes !== undefined);
  if (found?.bytes === undefined || !exchange.meets()) return undefined;
  return { how: found.how, bytes: found.bytes };
}

function rangeOf(header: string | undefined, size: number): [number, number] | "unsatisfiable" | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
  return start >= size || end <= start ? "unsatisfiable" : [start, end];
}

import { readFileSync } from "node:fs";
import { type IncomingMessage, request as plain, type RequestOptions } from "node:http";
import { request as tls } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Target } from "./env.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** A file as the body, in the place of JSON. */
  readonly file?: FileBody;
  readonly signal: AbortSignal;
}

export interface FileBody {
  readonly size: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Sends one request; resolves with the answer's head. Throws `cli.unreachable`, `cli.untrusted`, `cli.file-unreadable`. */
export async function send(target: Target, { method, path, body, file, signal }: Asked): Promise<IncomingMessage> {
  const headers = { accept: "application/json", ...bodyHeaders(body, file) };
  const start = opener(target, { method, path, headers, signal });
  return await new Promise((resolve, reject) => {
    const request = start();
    const source = file === undefined ? null : Readable.from(file.chunks);
    request.once("response", resolve);
    request.once("error", (error) => {
      // A file that cannot be read ends the request, whose own error says less.
      reject(signal.aborted ? signal.reason : failure(addressOf(target), source?.errored ?? error));
    });
    if (source === null) request.end(body);
    // What ends it early is said by the answer, or by the request's own error.
    else pipeline(source, request).catch((error: Error) => request.destroy(error));
  });
}

function bodyHeaders(body: string | undefined, file: FileBody | undefined): Readonly<Record<string, string>> {
  if (file !== undefined) return { "content-type": "application/octet-stream", "content-length": String(file.size) };
  return body === undefined ? {} : { "content-type": "application/json" };
}

function opener(target: Target, options: RequestOptions) {
  if (target.kind === "socket") return () => plain({ ...options, socketPath: target.path });
  const { url, token, trust } = target;
  const headers = { ...options.headers, authorization: `Bearer ${token.reveal()}` };
  const known = "pem" in trust ? { ca: trust.pem, servername: trust.name } : { ca: readCa(trust.file) };
  // The token is sent to nobody whose certificate the given CA did not make.
  return () => tls(url, { ...options, ...known, headers, rejectUnauthorized: true, minVersion: "TLSv1.2" });
}

function readCa(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FettleError("cli.file-unreadable", { file, problem: messageOf(error) }, { cause: error });
  }
}

function addressOf(target: Target): string {
  return target.kind === "socket" ? target.path : target.url.host;
}

/** What a connection ended with, as an error of the CLI's. */
export function failure(address: string, error: Error): FettleError {
  if (error instanceof FettleError) return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  const untrusted = /CERT|SIGNATURE|ALTNAME|SELF_SIGNED|ISSUER/.test(code);
  const problem = WORDS[code] ?? error.message;
  return new FettleError(untrusted ? "cli.untrusted" : "cli.unreachable", { address, problem }, { cause: error });
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket",
  ECONNREFUSED: "nothing listens there",
  EACCES: "this user may not open the socket",
  ENOTFOUND: "the name is unknown",
  ETIMEDOUT: "no answer",
};

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** The whole body as text. */
export async function bodyOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new FettleError("cli.bad-answer", { problem: "it is too long" });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

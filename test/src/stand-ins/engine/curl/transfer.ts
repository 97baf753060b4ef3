/** One transfer, with the time limits and the trust that curl was told of. */
import { readFileSync } from "node:fs";
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { rootCertificates, TLSSocket } from "node:tls";
import type { CurlArguments } from "./arguments.ts";
import { badCaFile, CurlFailure, failureOf, verdict } from "./failure.ts";

export interface Result {
  status: number;
  headers: string;
  body: Buffer;
  url: string;
  redirects: number;
  verifyResult: number;
}

const MOST_REDIRECTS = 50;

/** Throws CurlFailure. */
export async function transfer(args: CurlArguments, env: NodeJS.ProcessEnv): Promise<Result> {
  const trusted = args.insecure ? undefined : trust(args.caCert ?? env.CURL_CA_BUNDLE ?? env.SSL_CERT_FILE);
  const ends = args.maxTimeMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + args.maxTimeMs;
  let url = urlOf(args.url);
  for (let redirects = 0; ; redirects += 1) {
    const { response, body } = await exchange(url, args, trusted, ends);
    const { location } = response.headers;
    if (!args.follow || location === undefined) {
      const status = response.statusCode ?? 0;
      return {
        status,
        headers: headersOf(response),
        body,
        url: url.href,
        redirects,
        verifyResult: verdictOf(response),
      };
    }
    if (redirects === MOST_REDIRECTS) throw new CurlFailure(47, `Maximum (${MOST_REDIRECTS}) redirects followed`);
    url = new URL(location, url);
  }
}

function urlOf(text: string): URL {
  const full = /^[a-z]+:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) throw new CurlFailure(3, "URL using bad/illegal format or missing URL");
  const url = new URL(full);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new CurlFailure(1, `Protocol "${url.protocol.slice(0, -1)}" not supported or disabled in libcurl`);
}

/** A file stands alone: without it the public authorities are trusted. */
function trust(file: string | undefined): string | string[] {
  if (file === undefined) return [...rootCertificates];
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw badCaFile(file);
  }
}

async function exchange(
  url: URL,
  args: CurlArguments,
  trusted: string | string[] | undefined,
  ends: number,
): Promise<{ response: IncomingMessage; body: Buffer }> {
  const started = Date.now();
  const { promise, resolve, reject } = Promise.withResolvers<{ response: IncomingMessage; body: Buffer }>();
  let received = 0;
  const sent = open(url, args, trusted);
  const timers = limits(sent, args, ends, started, () => received);
  sent.on("error", (error) => {
    reject(error instanceof CurlFailure ? error : failureOf(error, url, Date.now() - started));
  });
  sent.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      received += chunk.length;
    });
    response.on("end", () => resolve({ response, body: Buffer.concat(chunks) }));
    response.on("error", (error) =>
      reject(error instanceof CurlFailure ? error : new CurlFailure(18, "transfer closed")),
    );
  });
  sent.end(args.body);
  try {
    return await promise;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

function open(url: URL, args: CurlArguments, trusted: string | string[] | undefined): ClientRequest {
  const method = args.method ?? (args.headOnly ? "HEAD" : args.body === undefined ? "GET" : "POST");
  const form = args.body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
  const headers = { "user-agent": "curl/7.88.1", accept: "*/*", ...form, ...args.headers };
  const options = { method, headers, agent: false };
  if (url.protocol === "http:") return httpRequest(url, options);
  return httpsRequest(
    url,
    trusted === undefined ? { ...options, rejectUnauthorized: false } : { ...options, ca: trusted },
  );
}

function limits(
  sent: ClientRequest,
  args: CurlArguments,
  ends: number,
  started: number,
  received: () => number,
): NodeJS.Timeout[] {
  const timers: NodeJS.Timeout[] = [];
  const late = (text: string): void => {
    sent.destroy(new CurlFailure(28, text));
  };
  if (args.connectTimeoutMs !== undefined) {
    const timer = setTimeout(
      () => late(`Connection timed out after ${Date.now() - started} milliseconds`),
      args.connectTimeoutMs,
    );
    sent.on("socket", (socket) =>
      socket.on(sent.protocol === "https:" ? "secureConnect" : "connect", () => clearTimeout(timer)),
    );
    timers.push(timer);
  }
  if (Number.isFinite(ends)) {
    timers.push(
      setTimeout(() => {
        late(`Operation timed out after ${Date.now() - started} milliseconds with ${received()} bytes received`);
      }, ends - started),
    );
  }
  return timers;
}

function headersOf(response: IncomingMessage): string {
  const pairs: string[] = [];
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    pairs.push(`${response.rawHeaders[at]}: ${response.rawHeaders[at + 1]}`);
  }
  const first = `HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`;
  return `${[first, ...pairs].join("\r\n")}\r\n\r\n`;
}

/** Node keeps the verdict of an unverified connection as its error's code. */
function verdictOf({ socket }: IncomingMessage): number {
  if (!(socket instanceof TLSSocket)) return 0;
  const { authorizationError: error } = socket as { authorizationError?: Error | string | null };
  return verdict(typeof error === "string" ? error : (error as NodeJS.ErrnoException | null | undefined)?.code);
}

import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HttpRequest } from "../http.ts";
import { systemError } from "./system-error.ts";
import { trustOf } from "./trust.ts";

export interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One request and its answer, on a connection of its own: a kept one would have to be told apart from one that the
 * other side has closed meanwhile, and a resumed TLS session would not look at the certificate again.
 */
export class Exchange {
  readonly #asked: HttpRequest;
  readonly #idleMs: number;
  #deadline: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  #failure: { readonly reason: unknown } | null = null;
  #sent: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;

  constructor(asked: HttpRequest) {
    this.#asked = asked;
    this.#idleMs = asked.idleMs ?? asked.deadlineMs;
    this.#deadline = setTimeout(() => this.#fail(timeout("no answer", asked.deadlineMs)), asked.deadlineMs);
    this.#watchSilence();
    asked.signal?.addEventListener("abort", this.#abort, { once: true });
    if (asked.signal?.aborted) this.#abort();
  }

  /** Sends the request; resolves when the answer's headers are there. */
  async head(): Promise<Head> {
    const options = await optionsOf(this.#asked);
    this.#throwFailure();
    this.#answer = await this.#send(options);
    this.#watchSilence();
    return { status: this.#answer.statusCode ?? 0, headers: flat(this.#answer.headers) };
  }

  /** The body as it comes. Silence counts only while a chunk is waited for: a slow reader is no silent sender. */
  async *body(): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = this.#answer;
    if (answer === null) return;
    const maxBytes = this.#asked.maxBytes ?? Number.POSITIVE_INFINITY;
    let size = 0;
    try {
      this.#watchSilence();
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        clearTimeout(this.#idle);
        size += chunk.length;
        if (size > maxBytes) throw systemError("EFBIG", `the body is larger than ${maxBytes} bytes`);
        yield chunk;
        this.#throwFailure();
        this.#watchSilence();
      }
    } catch (error) {
      this.#throwFailure();
      throw error;
    } finally {
      this.close();
    }
  }

  /** From here on only silence, the signal and `close` end the exchange. */
  endDeadline(): void {
    clearTimeout(this.#deadline);
  }

  close(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#idle);
    this.#asked.signal?.removeEventListener("abort", this.#abort);
    this.#answer?.destroy();
    this.#sent?.destroy();
  }

  #send(options: RequestOptions): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const url = new URL(this.#asked.url);
      const send = url.protocol === "https:" ? requestHttps : requestHttp;
      this.#sent = send(url, options, (answer) => {
        // Whoever reads the body hears of its errors by the iterator; one that nobody reads ends in silence.
        answer.on("error", () => {});
        resolve(answer);
      });
      this.#sent.on("error", (error) => reject(this.#failure === null ? error : this.#failure.reason));
      const { body } = this.#asked;
      if (body === undefined || typeof body === "string" || body instanceof Uint8Array) this.#sent.end(body);
      // An answer that comes first ends the sending; everything else that does is an error of the request.
      else pipeline(Readable.from(body), this.#sent).catch((error) => this.#answer === null && this.#fail(error));
    });
  }

  #watchSilence(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#fail(timeout("silence", this.#idleMs)), this.#idleMs);
  }

  readonly #abort = (): void => this.#fail(this.#asked.signal?.reason);

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    const error = reason instanceof Error ? reason : new Error(String(reason));
    if (this.#answer === null) this.#sent?.destroy(error);
    else this.#answer.destroy(error);
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.reason;
  }
}

async function optionsOf({
  url,
  method,
  headers,
  socketPath,
  ca,
  servername,
  localAddress,
  body,
}: HttpRequest): Promise<RequestOptions> {
  const secure = url.startsWith("https:") ? { secureContext: await trustOf(ca), rejectUnauthorized: true } : {};
  return {
    ...secure,
    agent: false,
    method: method ?? "GET",
    headers: { ...lengthOf(body), ...headers },
    ...(socketPath && { socketPath }),
    ...(servername && { servername }),
    ...(localAddress && { localAddress }),
  };
}

/** Said by itself: Node sends the body of a DELETE without its length, and then nobody can tell it from the next request. */
function lengthOf(body: HttpRequest["body"]): Readonly<Record<string, number>> {
  const known = typeof body === "string" || body instanceof Uint8Array;
  return known ? { "content-length": Buffer.byteLength(body) } : {};
}

function flat(headers: IncomingMessage["headers"]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]));
}

function timeout(what: string, ms: number): Error {
  return systemError("ETIMEDOUT", `${what} in ${ms} ms`);
}

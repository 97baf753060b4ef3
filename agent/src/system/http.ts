export interface HttpRequest {
  /** http or https URL; with `socketPath` only its path counts. */
  readonly url: string;
  readonly socketPath?: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** What comes in pieces is sent as it comes. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** PEM certificates that are trusted beside the system's. */
  readonly ca?: string;
  /** The name that the certificate is asked and verified for, when it is not the URL's host. */
  readonly servername?: string;
  /** Which of this machine's addresses to call from; the system chooses when it is not given. */
  readonly localAddress?: string;
  /** Time for the whole answer, headers and body. */
  readonly deadlineMs: number;
  /** Longest silence between bytes, from the start on; `deadlineMs` when not given. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal;
  /** Largest body in bytes; more throws `code` EFBIG. 4 MiB when not given; without end for a stream. */
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends when the body ends; throws on a cut, a silence over `idleMs`, or the signal. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Closes the connection. */
  close(): void;
}

/**
 * node:http behind a face of our own. Follows no redirect and never verifies less than everything. Network failures
 * throw an Error whose `code` is Node's (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED, ETIMEDOUT for any time-out, ECONNRESET for
 * a body that is cut …); a fired signal throws its reason.
 */
export interface Http {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** `deadlineMs` counts to the headers only. */
  stream(request: HttpRequest): Promise<HttpStream>;
}

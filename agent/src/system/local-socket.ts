export interface LocalCall {
  readonly method: "GET" | "POST";
  /** As in `/v1/status`. */
  readonly path: string;
  /** Parsed JSON; null when there was none. */
  readonly body: unknown;
}

export interface LocalAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A Unix socket between programs of this machine's root: JSON over HTTP. The file's mode is who may call. */
export interface LocalSocket {
  /**
   * Serves until the signal fires and everything under way has ended. The socket is 0600 from its first moment; one
   * that a dead process left is replaced, one that is answered throws (`code` EADDRINUSE).
   */
  serve(path: string, handle: (call: LocalCall) => Promise<LocalAnswer>, signal: AbortSignal): Promise<void>;
  /** One call. Throws an Error whose `code` is Node's (ENOENT, EACCES, ECONNREFUSED, ETIMEDOUT …). */
  call(path: string, call: LocalCall, deadlineMs: number): Promise<LocalAnswer>;
}

export interface RelayCall {
  readonly method: "GET" | "HEAD";
  /** As in `/v2/library/mistral/manifests/instruct`. */
  readonly path: string;
  /** The Range header. */
  readonly range: string | undefined;
}

export interface RelayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  /** null for none; not asked for its bytes by a HEAD. */
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** HTTP for programs of this machine that can only fetch, for as long as one of them fetches. */
export interface Relay {
  /**
   * Serves on a free port of 127.0.0.1 until the signal fires; resolves with the port when it listens. An answer whose
   * body fails is cut, so that nobody takes it for whole.
   */
  serve(handle: (call: RelayCall) => Promise<RelayAnswer>, signal: AbortSignal): Promise<number>;
}

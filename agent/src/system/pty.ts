export interface PtyOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  /** Raw terminal output as it comes. */
  readonly onData: (text: string) => void;
}

export interface PtyResult {
  readonly code: number | null;
  readonly timedOut: boolean;
}

/** Runs argv on a terminal of its own, for programs that want one or draw progress. */
export interface Pty {
  run(argv: readonly string[], options: PtyOptions): Promise<PtyResult>;
}

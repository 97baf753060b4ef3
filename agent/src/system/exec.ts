export interface ExecOptions {
  /** Its process group is killed (SIGTERM, then SIGKILL after 2 s) when over. */
  readonly timeoutMs: number;
  /** Ends it as the time-out does; the result's `code` is null then. */
  readonly signal?: AbortSignal;
  readonly stdin?: string;
  /** The whole environment beside PATH and LANG=C; nothing of the agent's own is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is kept of each output; the rest is read and dropped. 1 MiB when not given. */
  readonly maxBytes?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ExecResult {
  /** null when a signal or the time-out ended it, or when it could not be killed. */
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Exec {
  /**
   * Runs argv without a shell, in a process group of its own, which goes whole when the time or the signal ends it.
   * A child that cannot be killed is given up on. argv[0] is a path or is looked up as `find` does. Throws only when
   * the program cannot be started (`code` ENOENT, EACCES).
   */
  run(argv: readonly string[], options: ExecOptions): Promise<ExecResult>;
  /** The path of a program in the system's PATH, or null. */
  find(program: string): Promise<string | null>;
}

/** The gateway's log: one JSON object a line, as structlog writes it. Prompts, tokens and keys never get here. */
export type Level = "info" | "warning" | "error" | "critical";
export type LogLine = (level: Level, logger: string, message: string, fields?: Record<string, unknown>) => void;

export function createLog(write: (line: string) => void, now: () => number): LogLine {
  return (level, logger, message, fields = {}) => {
    const timestamp = new Date(now()).toISOString();
    write(JSON.stringify({ ...fields, logger, level, type: "mlops", stage: "main", timestamp, message }));
  };
}

/** An exception of the Python program that the stand-in stands for: its class, its module and its text. */
export class PythonError extends Error {
  readonly module: string;
  readonly className: string;
  /** The status that the class carries and LiteLLM's caller looks at; undefined for most classes. */
  readonly status: number | undefined;

  constructor(module: string, className: string, message: string, status?: number) {
    super(message);
    this.module = module;
    this.className = className;
    this.status = status;
  }
}

export function logException(log: LogLine, error: PythonError, extra: Record<string, unknown> = {}): void {
  const backtrace = `Traceback (most recent call last):\n${error.module}.${error.className}: ${error.message}\n`;
  log("error", "exceptions", error.message, {
    status_code: error.status ?? null,
    exception_class: error.className,
    backtrace,
    extra,
  });
}

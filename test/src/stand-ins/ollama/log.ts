import { formatDuration } from "./config/go-values.ts";

export type Fields = Readonly<Record<string, string | number>>;

/** The two streams of the real one: structured lines on stderr, access lines on stdout. */
export class Log {
  readonly #out: (line: string) => void;
  readonly #err: (line: string) => void;

  constructor(out: (line: string) => void, err: (line: string) => void) {
    this.#out = out;
    this.#err = err;
  }

  info(source: string, msg: string, fields: Fields = {}): void {
    this.#line("INFO", source, msg, fields);
  }

  warn(source: string, msg: string, fields: Fields = {}): void {
    this.#line("WARN", source, msg, fields);
  }

  print(line: string): void {
    this.#out(line);
  }

  /** `[GIN] 2026/08/02 - 12:00:00 | 200 |    1.2s |    10.0.0.5 | POST     "/v1/chat/completions"` */
  access(entry: { at: Date; status: number; ms: number; client: string; method: string; path: string }): void {
    const at = entry.at.toISOString();
    const day = `${at.slice(0, 10).replaceAll("-", "/")} - ${at.slice(11, 19)}`;
    const took = formatDuration(entry.ms).padStart(13);
    this.#out(
      `[GIN] ${day} | ${entry.status} | ${took} | ${entry.client.padStart(15)} | ${entry.method.padEnd(8)} "${entry.path}"`,
    );
  }

  #line(level: string, source: string, msg: string, fields: Fields): void {
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quoted(String(value))}`);
    this.#err(
      `time=${new Date().toISOString()} level=${level} source=${source} msg=${JSON.stringify(msg)}${rest.join("")}`,
    );
  }
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

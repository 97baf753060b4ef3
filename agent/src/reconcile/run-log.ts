import { stripVTControlCharacters } from "node:util";
import { printable } from "@fettle/shared/lib/printable.ts";
import { MAX_LOG_CHUNK } from "@fettle/shared/protocol/log.ts";
import type { Logs } from "../store/logs.ts";

const FLUSH_MS = 1_000;

export interface RunLogOptions {
  readonly runId: string;
  readonly logs: Logs;
  readonly now: () => number;
  readonly mono: () => number;
  /** Cuts known secrets out of a text. */
  readonly cut: (text: string) => string;
  readonly onAppend: () => void;
}

/**
 * The terminal output of one run on its way to the journal: ANSI stripped, a line that draws itself again (`\r`)
 * kept once a second, secrets cut out of whole lines before anything is stored.
 */
export class RunLog {
  readonly #options: RunLogOptions;
  #line = "";
  #ready = "";
  #drawnAt = Number.NEGATIVE_INFINITY;
  #flushedAt: number;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#flushedAt = options.mono();
  }

  write(text: string): void {
    for (const part of text.split(/(?<=[\r\n])/)) this.#part(part);
    if (this.#ready.length >= MAX_LOG_CHUNK / 2 || this.#options.mono() - this.#flushedAt >= FLUSH_MS) this.#flush();
  }

  /** Writes what is left; the log is whole after this. */
  end(): void {
    if (this.#line !== "") this.#take(`${this.#line}\n`);
    this.#line = "";
    this.#flush();
  }

  #part(part: string): void {
    this.#line += part;
    if (part.endsWith("\n")) {
      this.#take(this.#line.replace(/\r?\n$/, "\n"));
      this.#line = "";
    } else if (part.endsWith("\r")) {
      if (this.#options.mono() - this.#drawnAt >= FLUSH_MS) {
        this.#drawnAt = this.#options.mono();
        this.#take(this.#line.replace(/\r$/, "\n"));
      }
      this.#line = "";
    } else if (this.#line.length > MAX_LOG_CHUNK / 4) {
      this.#take(`${this.#line}\n`);
      this.#line = "";
    }
  }

  #take(line: string): void {
    const clean = printable(stripVTControlCharacters(line));
    if (clean.trim() !== "") this.#ready += this.#options.cut(clean);
  }

  #flush(): void {
    this.#flushedAt = this.#options.mono();
    while (this.#ready !== "") {
      const chunk = this.#ready.slice(0, MAX_LOG_CHUNK / 2);
      this.#ready = this.#ready.slice(chunk.length);
      this.#options.logs.append(this.#options.runId, this.#options.now(), chunk);
      this.#options.onAppend();
    }
  }
}

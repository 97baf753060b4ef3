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
  /** The journal did not take a part of it, which is gone: a log holds no repair up. Called once. */
  readonly onLost: (error: unknown) => void;
}

/** A line of this length is taken in parts … */
const MAX_LINE = MAX_LOG_CHUNK / 4;
/** … with so much of its end held back, for a secret to be whole when it is cut out: longer than any. */
const HELD = 4096;
/** After a line feed, and after a carriage return that is no part of a line's end (a terminal ends it with `\r\n`). */
const PARTS = /(?<=\n)|(?<=\r)(?!\r*\n)/;

/**
 * The terminal output of one run on its way to the journal: ANSI stripped, a line that draws itself again (`\r`)
 * kept once a second, secrets cut out of whole lines before anything is stored.
 */
export class RunLog {
  readonly #options: RunLogOptions;
  #line = "";
  /** Carriage returns whose line feed may be still to come. */
  #returns = "";
  #ready = "";
  #lost = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #flushedAt: number;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#flushedAt = options.mono();
  }

  write(text: string): void {
    const all = this.#returns + text;
    this.#returns = /\r*$/.exec(all)?.[0] ?? "";
    const now = all.slice(0, all.length - this.#returns.length);
    for (const part of now.split(PARTS)) this.#part(part);
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
      this.#take(this.#line.replace(/\r*\n$/, "\n"));
      this.#line = "";
    } else if (part.endsWith("\r")) {
      if (this.#options.mono() - this.#drawnAt >= FLUSH_MS) {
        this.#drawnAt = this.#options.mono();
        this.#take(this.#line.replace(/\r$/, "\n"));
      }
      this.#line = "";
    } else if (this.#line.length > MAX_LINE) {
      const safe = this.#options.cut(this.#line);
      this.#take(`${safe.slice(0, -HELD)}\n`);
      this.#line = safe.slice(-HELD);
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
      this.#append(chunk);
    }
  }

  #append(chunk: string): void {
    try {
      this.#options.logs.append(this.#options.runId, this.#options.now(), chunk);
      this.#options.onAppend();
    } catch (error) {
      if (!this.#lost) this.#options.onLost(error);
      this.#lost = true;
    }
  }
}

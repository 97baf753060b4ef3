/** A container's output, in the format of Docker's json-file driver: one object a line. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { type Clock, stamp } from "../clock.ts";

export type Stream = "stdout" | "stderr";

export interface LogEntry {
  log: string;
  stream: Stream;
  time: string;
}

/** Docker cuts longer lines. */
const LONGEST = 16_384;

export class ContainerLog {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #rest: Record<Stream, string> = { stdout: "", stderr: "" };
  readonly #followers = new Set<(entry: LogEntry) => void>();

  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  write(stream: Stream, chunk: string): void {
    const lines = (this.#rest[stream] + chunk).split(/(?<=\n)/);
    const last = lines.at(-1) ?? "";
    const whole = last.endsWith("\n") || last.length > LONGEST;
    this.#rest[stream] = whole ? "" : (lines.pop() ?? "");
    for (const line of lines) this.#append(stream, line);
  }

  /** What stands without an end of line when the process is gone. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#rest[stream] !== "") this.#append(stream, this.#rest[stream]);
      this.#rest[stream] = "";
    }
  }

  entries(): LogEntry[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as LogEntry);
  }

  /** Returns how to stop. */
  follow(listener: (entry: LogEntry) => void): () => void {
    this.#followers.add(listener);
    return () => this.#followers.delete(listener);
  }

  #append(stream: Stream, log: string): void {
    const entry: LogEntry = { log, stream, time: stamp(this.#clock()) };
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
    for (const listener of this.#followers) listener(entry);
  }
}

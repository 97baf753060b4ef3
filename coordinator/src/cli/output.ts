import { schemaName } from "@fettle/shared/api/route.ts";

export interface Stream {
  write(text: string): unknown;
}

export const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly json: boolean;
  readonly colour: boolean;
  /** A person looks at it as it comes. */
  readonly terminal: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** Where a command writes: lines for people, or one JSON value (a line each when there are many). */
export class Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  get isJson(): boolean {
    return this.#options.json;
  }

  get columns(): number {
    return this.#options.columns;
  }

  get rows(): number {
    return this.#options.rows;
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.#options.stdout.write(`${lines.join("\n")}\n`);
  }

  /** Text as it is, as in a run's log. */
  raw(text: string): void {
    this.#options.stdout.write(text);
  }

  /** For people at a terminal while the answer itself goes to stdout. */
  note(line: string): void {
    this.#options.stderr.write(`${line}\n`);
  }

  /** A line that the next one takes the place of; nothing without a terminal. An empty one takes it away. */
  passing(line: string): void {
    if (this.#options.terminal) this.#options.stderr.write(`\r${line}\u001b[K`);
  }

  json(name: string, value: object): void {
    this.#options.stdout.write(`${JSON.stringify({ schema: schemaName(name), ...value })}\n`);
  }

  paint(style: Style, text: string): string {
    return this.#options.colour && text !== "" ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }
}

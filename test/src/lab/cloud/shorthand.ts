import { LabError } from "../lab-error.ts";

export type Value = string | Value[] | { [key: string]: Value };

/** The AWS command line's shorthand: `A=b,C={D=e},F=[{G=h}]`. Reference: "Using shorthand syntax" in its user guide. */
export function shorthand(text: string): { [key: string]: Value } {
  const reader = new Reader(text);
  const value = reader.pairs();
  if (!reader.isAtEnd) throw new LabError("lab.cloud.command", `${text}: unexpected at ${reader.rest}`);
  return value;
}

class Reader {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  get rest(): string {
    return this.#rest;
  }

  get isAtEnd(): boolean {
    return this.#rest === "";
  }

  pairs(): { [key: string]: Value } {
    const pairs: { [key: string]: Value } = {};
    do {
      const key = this.#take(/^[A-Za-z0-9]+/);
      this.#take(/^=/);
      pairs[key] = this.#value();
    } while (this.#has(","));
    return pairs;
  }

  #value(): Value {
    if (this.#has("{")) return this.#closed(() => this.pairs(), /^}/);
    if (this.#has("[")) return this.#closed(() => this.#list(), /^]/);
    return this.#take(/^[^,=[\]{}]+/);
  }

  #list(): Value[] {
    const values: Value[] = [];
    do values.push(this.#value());
    while (this.#has(","));
    return values;
  }

  #closed<T>(inner: () => T, end: RegExp): T {
    const value = inner();
    this.#take(end);
    return value;
  }

  #has(sign: string): boolean {
    if (!this.#rest.startsWith(sign)) return false;
    this.#rest = this.#rest.slice(1);
    return true;
  }

  #take(what: RegExp): string {
    const found = what.exec(this.#rest)?.[0];
    if (found === undefined) throw new LabError("lab.cloud.command", `${what} expected at ${this.#rest}`);
    this.#rest = this.#rest.slice(found.length);
    return found;
  }
}

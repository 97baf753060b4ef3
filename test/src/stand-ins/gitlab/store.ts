import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { mergePatch } from "./merge-patch.ts";
import type { State } from "./state.ts";

/** Holds the state and keeps it in a file, written whole on each change, so that a restart finds it again. */
export class Store {
  readonly #file: string;
  #state: State;

  constructor(file: string, initial: () => State) {
    this.#file = file;
    const kept = existsSync(file);
    this.#state = kept ? (JSON.parse(readFileSync(file, "utf8")) as State) : initial();
    if (!kept) this.#save();
  }

  get state(): State {
    return this.#state;
  }

  change<T>(edit: (state: State) => T): T {
    const result = edit(this.#state);
    this.#save();
    return result;
  }

  patch(patch: unknown): void {
    this.#state = mergePatch(this.#state, patch) as State;
    this.#save();
  }

  nextId(): string {
    return this.change((state) => {
      state.lastId += 1;
      return String(state.lastId);
    });
  }

  #save(): void {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#state, null, 1), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

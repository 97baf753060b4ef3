import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

export interface ChildOptions {
  readonly name: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Standard output and errors go there. */
  readonly log: string;
}

const STOP_MS = 15_000;

/** A process of the sandbox, in a group of its own. */
export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | null = null;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  get running(): boolean {
    return this.#process !== null;
  }

  /** `more` is laid over its environment, this time. */
  start(more: Readonly<Record<string, string>> = {}): void {
    const { argv, log } = this.#options;
    const env = { ...this.#options.env, ...more };
    mkdirSync(dirname(log), { recursive: true });
    const output = openSync(log, "a");
    const [program, ...args] = argv;
    const child = spawn(program, args, { env, detached: true, stdio: ["pipe", output, output] });
    closeSync(output);
    child.stdin?.on("error", () => undefined);
    child.on("error", () => this.#gone(child));
    child.on("exit", () => this.#gone(child));
    this.#process = child;
  }

  /** SIGTERM, then SIGKILL; resolves when it is gone. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    child.stdin?.end();
    this.signal("SIGTERM");
    const hard = setTimeout(() => this.signal("SIGKILL"), STOP_MS);
    await this.ended();
    clearTimeout(hard);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  /** SIGHUP to this process alone: what makes a unit manager read its files again. */
  hangUp(): void {
    this.#process?.kill("SIGHUP");
  }

  signal(name: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      this.#process?.kill(name);
    }
  }

  async ended(): Promise<void> {
    const child = this.#process;
    if (child) await new Promise((resolve) => child.once("exit", resolve));
  }

  /** The end of what it printed, for an error's text. */
  tail(): string {
    try {
      return readFileSync(this.#options.log, "utf8").slice(-2_000);
    } catch {
      return "";
    }
  }

  #gone(child: ChildProcess): void {
    if (this.#process === child) this.#process = null;
  }
}

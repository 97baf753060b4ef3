import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { RUNNER_SCRIPT } from "./runner-script.ts";

const TICK_MS = 50;
/** Turns of the child's loop per tick: some 10 ms of processor time in 50, well above what counts as busy. */
const TURNS = 8000;

/** The child that the real one has per loaded model. It rests until it is made to work, and ends when we end. */
export class RunnerProcess {
  readonly #child: ChildProcess;
  #work: NodeJS.Timeout | undefined;
  #answered = true;

  constructor(command: string[], onExit: (why: string) => void) {
    const [program = "/bin/sh", ...args] = command;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.#child.stdout?.on("data", () => {
      this.#answered = true;
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.on("error", (error) => onExit(error.message));
    this.#child.on("exit", (code, signal) => onExit(signal === null ? `exit status ${code}` : signalText(signal)));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Uses some processor time until `rest`. */
  work(): void {
    this.#work ??= setInterval(() => {
      if (!this.#answered) return;
      this.#answered = false;
      this.#child.stdin?.write(`${TURNS}\n`);
    }, TICK_MS);
  }

  rest(): void {
    clearInterval(this.#work);
    this.#work = undefined;
  }

  end(): void {
    this.rest();
    this.#child.removeAllListeners("exit");
    this.#child.kill("SIGKILL");
  }
}

/**
 * The command of a runner: `lib/ollama/llama-server` of the installation, or the same script from here when we run from
 * our source. Throws in the real one's words when the installation lacks it.
 */
export function runnerCommand(library: string | undefined, args: string[]): string[] {
  if (library === undefined) return ["/bin/sh", "-c", RUNNER_SCRIPT, "llama-server", ...args];
  const program = join(library, "llama-server");
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    const hint = "Run 'cmake -S llama/server --preset cpu && cmake --build --preset cpu' first";
    throw new Error(`llama-server binary not found (checked: ${program}). ${hint}`, { cause: error });
  }
  return [program, ...args];
}

function signalText(signal: NodeJS.Signals): string {
  return (
    { SIGKILL: "signal: killed", SIGTERM: "signal: terminated", SIGSEGV: "signal: segmentation fault" }[
      signal as string
    ] ?? `signal: ${signal}`
  );
}

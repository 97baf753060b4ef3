import type { Terminal } from "node-pty";
import type { Pty, PtyOptions, PtyResult } from "../pty.ts";
import { GroupGuard } from "./group-guard.ts";
import { BASE_ENV, mustFindProgram } from "./programs.ts";

/** Wide, so that what a program draws is not cut into lines of our making. */
const SIZE = { cols: 200, rows: 50 };

export const realPty: Pty = { run };

async function run(argv: readonly string[], options: PtyOptions): Promise<PtyResult> {
  const program = await mustFindProgram(argv);
  // Loaded at its first use: an agent that runs nothing on a terminal does not pay for the native module.
  const { spawn } = await import("node-pty");
  if (options.signal?.aborted) return { code: null, timedOut: false };
  const env = { ...BASE_ENV, TERM: "xterm", ...options.env };
  return ended(spawn(program, argv.slice(1), { ...SIZE, name: "xterm", cwd: "/", env }), options);
}

function ended(terminal: Terminal, options: PtyOptions): Promise<PtyResult> {
  return new Promise((resolve) => {
    terminal.onData(options.onData);
    const guard = new GroupGuard(terminal.pid, options, () => finish(null));
    function finish(code: number | null): void {
      guard.release();
      resolve({ code: guard.ended ? null : code, timedOut: guard.timedOut });
    }
    terminal.onExit(({ exitCode, signal }) => finish(signal ? null : exitCode));
  });
}

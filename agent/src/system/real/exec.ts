import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { Exec, ExecOptions, ExecResult } from "../exec.ts";
import { BoundedOutput } from "./bounded-output.ts";
import { GroupGuard } from "./group-guard.ts";
import { BASE_ENV, findProgram, mustFindProgram } from "./programs.ts";

const DEFAULT_MAX_BYTES = 1024 * 1024;
/** What a child left running may hold its outputs open; they are waited for only this long after its end. */
const OUTPUT_GRACE_MS = 500;

export const realExec: Exec = { run, find: findProgram };

async function run(argv: readonly string[], options: ExecOptions): Promise<ExecResult> {
  const program = await mustFindProgram(argv);
  if (options.signal?.aborted) return { code: null, timedOut: false, stdout: "", stderr: "" };
  const child = start(program, argv.slice(1), options);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const stdout = new BoundedOutput(child.stdout, maxBytes);
  const stderr = new BoundedOutput(child.stderr, maxBytes);
  const { code, timedOut } = await ended(child, options);
  return { code, timedOut, stdout: stdout.text(), stderr: stderr.text() };
}

function start(program: string, args: readonly string[], options: ExecOptions): ChildProcess {
  const child = spawn(program, args, {
    cwd: options.cwd ?? "/",
    detached: true,
    env: { ...BASE_ENV, ...options.env },
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    ...(options.uid !== undefined && { uid: options.uid }),
    ...(options.gid !== undefined && { gid: options.gid }),
  });
  // A program may end without reading its input; how it ended is in its exit code.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.stdin);
  return child;
}

/** How the child ended; rejects when it could not be started. */
function ended(child: ChildProcess, options: ExecOptions): Promise<{ code: number | null; timedOut: boolean }> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    if (child.pid === undefined) return;
    const guard = new GroupGuard(child.pid, options, () => finish(null));
    let grace: NodeJS.Timeout | undefined;
    function finish(code: number | null): void {
      clearTimeout(grace);
      guard.release();
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.stdin?.destroy();
      child.unref();
      resolve({ code: guard.ended ? null : code, timedOut: guard.timedOut });
    }
    child.once("exit", (code) => {
      guard.release();
      grace = setTimeout(() => finish(code), OUTPUT_GRACE_MS);
    });
    child.once("close", finish);
  });
}

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { LabError } from "./lab-error.ts";

export type CommandResult = { code: number; stdout: string; stderr: string };
export type CommandOptions = {
  input?: string | Buffer | Readable;
  env?: Record<string, string>;
  /** Milliseconds until the command is killed; a minute unless told. */
  timeoutMs?: number;
};

/** Runs argv to its end and gives what it printed, whatever its exit code. */
export async function execute(argv: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { code, stdout, stderr } = await executeRaw(argv, options);
  return { code, stdout: stdout.toString(), stderr };
}

/** Runs argv and gives its output as bytes, untouched. */
export async function runToBuffer(argv: string[], options: CommandOptions = {}): Promise<Buffer> {
  const { code, stdout, stderr } = await executeRaw(argv, options);
  if (code !== 0) throw failed(argv, code, stderr);
  return stdout;
}

type RawResult = { code: number; stdout: Buffer; stderr: string };

async function executeRaw(argv: string[], options: CommandOptions): Promise<RawResult> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const nothing = Buffer.alloc(0);
  const [code, stdout, stderr] = await Promise.all([
    exitOf(child, argv),
    child.stdout ? buffer(child.stdout) : nothing,
    child.stderr ? buffer(child.stderr) : nothing,
    child.stdin ? feed(child.stdin, options.input ?? "") : undefined,
  ]);
  return { code, stdout, stderr: stderr.toString() };
}

/** Runs argv and gives its trimmed output; an exit code other than 0 is an error that quotes what it said. */
export async function run(argv: string[], options: CommandOptions = {}): Promise<string> {
  const result = await execute(argv, options);
  if (result.code !== 0) throw failed(argv, result.code, result.stderr || result.stdout);
  return result.stdout.trim();
}

/** Runs two commands, the first one's output being the second one's input, and gives what the second printed. */
export async function runPiped(from: string[], to: string[], options: CommandOptions = {}): Promise<string> {
  const [file = "", ...args] = from;
  const source = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], timeout: options.timeoutMs ?? 60_000 });
  const [code, said, printed] = await Promise.all([
    exitOf(source, from),
    buffer(source.stderr),
    run(to, { ...options, input: source.stdout }),
  ]);
  if (code !== 0) throw failed(from, code, said.toString());
  return printed;
}

function exitOf(child: ReturnType<typeof spawn>, argv: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) =>
      reject(new LabError("lab.command.missing", `${argv[0]} cannot be started`, { cause })),
    );
    child.once("close", (code) => resolve(code ?? 137));
  });
}

/** A command may end without reading all of its input; its exit code tells the story then. */
async function feed(stdin: NodeJS.WritableStream, input: string | Buffer | Readable): Promise<void> {
  try {
    await pipeline(typeof input === "string" || Buffer.isBuffer(input) ? [input] : input, stdin);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EPIPE" && code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
}

function failed(argv: string[], code: number, said: string): LabError {
  const command = argv.join(" ");
  const shown = command.length > 300 ? `${command.slice(0, 300)}…` : command;
  return new LabError("lab.command.failed", `${shown} ended with ${code}: ${said.trim().slice(-2000)}`);
}

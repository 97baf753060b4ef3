import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { VERSION_TEXT } from "@fettle/shared/lib/version.ts";
import { Command, CommanderError } from "commander";
import { Client } from "./client.ts";
import type { Act } from "./command.ts";
import { commands } from "./commands.ts";
import { readTarget, wantsColour } from "./env.ts";
import { Output, type Stream } from "./output.ts";
import { failureJson, failureLines, failureOf } from "./render/failure.ts";
import type { Session } from "./session.ts";

/** The world around one run of the CLI. */
export interface Surroundings {
  readonly stdout: Stream & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Stream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readFile(path: string): Promise<string>;
}

/** Runs one command line; the number is the exit status. Never throws. */
export async function run(args: readonly string[], around: Surroundings): Promise<number> {
  const program = new Command("fettle");
  let status = 0;
  const act: Act =
    (work) =>
    async (...given) => {
      // Commander hands over the command itself last.
      const command = (given as readonly unknown[]).at(-1) as Command;
      status = await work(session(command.optsWithGlobals(), around), ...given);
    };
  program.description("Keeps a GitLab Duo Self-Hosted stack in its declared state");
  // Commands have that option of their own, and the program's would come first.
  if (args.every((arg) => arg.startsWith("-"))) program.version(VERSION_TEXT);
  program
    .option("--json", "one JSON value instead of text")
    .option("--stack <name>", "which stack, where there are several");
  for (const declare of commands) declare(program, act);
  tame(program, around);
  try {
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    return failed(error, args, around);
  }
}

/** Commander neither ends the process nor writes to it. */
function tame(program: Command, { stdout, stderr }: Surroundings): void {
  const output = {
    writeOut: (text: string) => stdout.write(text),
    writeErr: (text: string) => stderr.write(text),
    outputError: () => undefined,
  };
  const each = (command: Command): void => {
    command.exitOverride().configureOutput(output).configureHelp({ showGlobalOptions: true });
    for (const child of command.commands) each(child);
  };
  each(program);
}

function session(given: { json?: boolean; stack?: string }, around: Surroundings): Session {
  const { environment, clock, signal, stdout, stderr } = around;
  const columns = stdout.columns ?? (Number(environment.COLUMNS) || 100);
  const rows = stdout.rows ?? (Number(environment.LINES) || 40);
  const colour = wantsColour(environment, stdout.isTTY === true);
  const out = new Output({
    stdout,
    stderr,
    json: given.json === true,
    colour,
    terminal: stdout.isTTY === true,
    columns,
    rows,
  });
  const query = given.stack === undefined ? {} : { stack: given.stack };
  const read = (file: string) => readText(file, around);
  return { api: new Client(() => readTarget(environment), signal), out, clock, signal, query, environment, read };
}

async function readText(file: string, { readFile }: Surroundings): Promise<string> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new FettleError("cli.file-unreadable", { file, problem: messageOf(error) }, { cause: error });
  }
}

/** Says what went wrong, as every command does; returns the exit status. */
export function failed(error: unknown, args: readonly string[], { stdout, stderr, signal }: Surroundings): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const meant = error instanceof CommanderError ? new FettleError("cli.usage", { problem: problemOf(error) }) : error;
  const failure = failureOf(
    signal.aborted && !(meant instanceof FettleError) ? new FettleError("cli.interrupted") : meant,
  );
  if (args.includes("--json")) stdout.write(`${failureJson(failure)}\n`);
  else stderr.write(`${failureLines(failure, fileOf(args)).join("\n")}\n`);
  return 1;
}

function problemOf({ code, message }: CommanderError): string {
  if (code === "commander.help") return "a command is missing";
  return message.replace(/^error: /, "").replace(/\n/g, " ");
}

/** The stack file that was meant, so that its problems can be shown as FILE:LINE:COLUMN. */
function fileOf(args: readonly string[]): string {
  const at = args.findIndex((arg) => arg === "-f" || arg === "--file");
  return at < 0 ? "the file" : (args[at + 1] ?? "the file");
}

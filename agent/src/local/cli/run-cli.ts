import { parseArgs } from "node:util";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import { VERSION_TEXT } from "@fettle/shared/lib/version.ts";
import { AgentRefused } from "./agent-refused.ts";
import { type Command, type Io, printJson, type Words } from "./command.ts";
import { commands } from "./commands.ts";
import { table } from "./table.ts";

/** Runs one command; `args` are the words after the program's name. Returns the exit status: 0 done, 1 error. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return help(io);
  if (name === "--version") {
    io.out(`fettle-agent ${VERSION_TEXT}\n`);
    return 0;
  }
  try {
    const command = commands.find((known) => known.name === name);
    if (command === undefined) throw usage(`there is no command ${JSON.stringify(name)}`);
    if (rest.includes("--help") || rest.includes("-h")) return commandHelp(command, io);
    return await command.run(wordsOf(command, rest), io);
  } catch (error) {
    return failed(error, rest.includes("--json"), io);
  }
}

function wordsOf(command: Command, args: readonly string[]): Words {
  const valued = Object.keys(command.options).map((name) => [name, { type: "string" as const }]);
  const named = ["json", "detailed-exitcode", ...Object.keys(command.flags ?? {})];
  const flags = named.map((name) => [name, { type: "boolean" as const }]);
  const { values, positionals } = parsed(args, Object.fromEntries([...valued, ...flags]));
  if (positionals.length > command.positionals)
    throw usage(`${command.name} does not take ${JSON.stringify(positionals.at(-1))}`);
  if (values["detailed-exitcode"] === true && !command.detailed)
    throw usage(`${command.name} has no --detailed-exitcode`);
  const texts = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return {
    json: values.json === true,
    detailedExitcode: values["detailed-exitcode"] === true,
    options: Object.fromEntries(texts),
    flags: new Set(named.filter((name) => values[name] === true)),
    positionals,
  };
}

function parsed(args: readonly string[], options: Record<string, { type: "string" | "boolean" }>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usage(messageOf(error).split(". ")[0] ?? "");
  }
}

function usage(problem: string): FettleError {
  return new FettleError("agent.usage", { problem });
}

function failed(error: unknown, json: boolean, io: Io): number {
  const { code, message, remedy } = knownError(error);
  if (json) printJson(io, { error: { code, message, remedy } });
  else io.error(`fettle-agent: ${printable(message)}\n  ${printable(remedy)} (${code})\n`);
  return 1;
}

function knownError(error: unknown): FettleError | AgentRefused {
  if (error instanceof FettleError || error instanceof AgentRefused) return error;
  return new FettleError("agent.local-failed", { problem: messageOf(error) });
}

function help(io: Io): number {
  const rows = commands.map(({ name, usage, summary }) => [`  ${name} ${usage}`, summary]);
  io.out(`fettle-agent COMMAND [--json]\n\n${table([...rows, ["  run", "the agent itself, as the unit starts it"]])}`);
  io.out(
    "\nstatus and plan take --detailed-exitcode: 0 in-sync, 2 differs, 4 blocked or paused, 3 unknown, 1 error.\n",
  );
  return 0;
}

function commandHelp({ name, usage, summary, options, flags: own = {}, detailed }: Command, io: Io): number {
  const rows = Object.entries(options).map(([option, text]) => [`  --${option} VALUE`, text]);
  const flags = [
    ...Object.entries(own).map(([flag, text]) => [`  --${flag}`, text]),
    ["  --json", "for programs"],
    ...(detailed ? [["  --detailed-exitcode", "tell the state by the exit status"]] : []),
  ];
  io.out(`fettle-agent ${name} ${usage}\n${summary}\n\n${table([...rows, ...flags])}`);
  return 0;
}

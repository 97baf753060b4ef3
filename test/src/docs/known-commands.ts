import { readFileSync } from "node:fs";
import type { Io } from "@fettle/agent/local/cli/command.ts";
import { runCli } from "@fettle/agent/local/cli/run-cli.ts";
import { cliClock } from "@fettle/coordinator/cli/clock.ts";
import { run } from "@fettle/coordinator/cli/run.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { QuotedCommand } from "./quoted-commands.ts";

const { scripts } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  scripts: Record<string, string>;
};

/** What stands for the reader's own words, by something that the programs take in its place. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  $GATEWAY_ID: `sha256:${"0".repeat(64)}`,
  "NODE/ID": "node-1/ollama.service",
  NODE: "node-1",
  ID: "ollama.service",
  ROLE: "viewer",
  CODE: "agent.busy",
  NUMBER: "7",
  URL: "https://127.0.0.1:1",
  PIN: `sha256//${"A".repeat(43)}=`,
  "{node}": "node-1",
  "{where}": "node-1/ollama.service",
  "{before}": "ollama.install",
  "{needed}": "admin",
  "{scope}": "stack",
};
const PLACEHOLDER = new RegExp(
  Object.keys(PLACEHOLDERS)
    .map((word) => (/^\w/.test(word) ? `\\b${word}\\b` : word.replace("$", "\\$")))
    .join("|"),
  "g",
);

/** Why a program would not understand the command line; null when it would. A mere mention may leave its words out. */
export async function problemOf({ program, words }: QuotedCommand): Promise<string | null> {
  if (program === "npm") return npmProblem(words);
  // `fettle COMMAND --help`, `fettle ARGS`.
  if (/^[A-Z]+…?$/.test(words[0] ?? "")) return null;
  const filled = words.map((word) => word.replace(PLACEHOLDER, (found) => PLACEHOLDERS[found] ?? found));
  const said = await (program === "fettle" ? fettle(filled) : fettleAgent(filled));
  return isMention(filled, said) ? null : said;
}

function npmProblem([verb = "", ...rest]: readonly string[]): string | null {
  const name = verb === "run" ? rest.find((word) => !word.startsWith("-")) : verb;
  return name !== undefined && Object.hasOwn(scripts, name) ? null : `package.json has no script ${name}`;
}

/** A command's name alone, where the program would ask for more. */
function isMention(words: readonly string[], said: string | null): boolean {
  const [first = ""] = (said ?? "").split("\n");
  return /missing|not specified|needs|takes --/.test(first) && words.every((word) => /^[a-z]+$/.test(word));
}

/** The CLI itself, with nothing to reach: whatever gets as far as that was understood. */
async function fettle(words: readonly string[]): Promise<string | null> {
  const said: string[] = [];
  await run(words, {
    stdout: { write: () => true },
    stderr: { write: (text) => said.push(text) },
    environment: { FETTLE_URL: "nowhere", FETTLE_DATA: "nowhere" },
    clock: cliClock,
    signal: new AbortController().signal,
    readFile: () => Promise.reject(new Error("not here")),
  });
  const text = said.join("");
  return /\(cli\.(usage|no-such-code)\)/.test(text) ? text : null;
}

async function fettleAgent(words: readonly string[]): Promise<string | null> {
  if (words.join(" ") === "run") return null;
  const said: string[] = [];
  const nobody = () => Promise.reject(new FettleError("agent.not-running", { path: "", problem: "" }));
  const io: Io = {
    out: () => undefined,
    error: (text) => void said.push(text),
    call: nobody,
    enrol: nobody,
    uninstall: () => {
      throw new FettleError("agent.not-running", { path: "", problem: "" });
    },
    confirm: () => Promise.resolve(null),
    holdOn: () => undefined,
    isRoot: true,
    readFile: () => Promise.resolve("fettle1"),
    readStdin: () => Promise.resolve("fettle1"),
    token: null,
    user: "root",
    clock: cliClock,
  };
  await runCli(words, io);
  const text = said.join("");
  return text.includes("(agent.usage)") ? text : null;
}

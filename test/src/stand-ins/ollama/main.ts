import { clientLines } from "./client.ts";
import { readSettings } from "./config/settings.ts";
import { Log } from "./log.ts";
import { serve } from "./serve.ts";
import { versionLines } from "./version.ts";

const PROGRAM = "--program=";
const args = process.argv.slice(2);
const program = args.find((arg) => arg.startsWith(PROGRAM))?.slice(PROGRAM.length);
const words = args.filter((arg) => !arg.startsWith(PROGRAM));
const [command = ""] = words;

async function run(): Promise<void> {
  const settings = readSettings(process.env, program);
  if (command === "-v" || command === "--version") {
    for (const line of await versionLines(settings, process.env)) console.log(line);
    return;
  }
  if (command === "list" || command === "pull") {
    for (const line of await clientLines(words, process.env)) console.log(line);
    return;
  }
  if (command !== "serve" && command !== "start") throw new Error(`unknown command "${command}" for "ollama"`);
  const log = new Log(
    (line) => process.stdout.write(`${line}\n`),
    (line) => process.stderr.write(`${line}\n`),
  );
  const running = await serve(settings, process.env, log);
  const stop = (): void => {
    running.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

run().catch((error: unknown) => {
  process.stderr.write(`Error: ${(error as Error).message}\n`);
  process.exit(1);
});

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { cliClock } from "./clock.ts";
import { run } from "./run.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
// A reader that went away (`fettle events | head`) is no error.
process.stdout.on("error", () => process.exit(0));

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  clock: cliClock,
  signal: stop.signal,
  readFile: (path) => (path === "-" ? text(process.stdin) : readFile(path, "utf8")),
});

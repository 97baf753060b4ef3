import type { Surroundings } from "./run.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
// A reader that went away (`fettle events | head`) is no error.
process.stdout.on("error", () => process.exit(0));

const args = process.argv.slice(2);
process.exitCode = args.join(" ") === "coordinator start" ? await coordinator() : await command();

async function command(): Promise<number> {
  const { run } = await import("./run.ts");
  return await run(args, await surroundings());
}

/** The coordinator runs for months: the CLI, which would stay in its memory, is loaded only to say why it ended. */
async function coordinator(): Promise<number> {
  try {
    const { startHere } = await import("../admin/here.ts");
    await startHere(process.env, stop.signal);
    return 0;
  } catch (error) {
    const { failed } = await import("./run.ts");
    return failed(error, args, await surroundings());
  }
}

async function surroundings(): Promise<Surroundings> {
  const [{ readFile }, { text }, { cliClock }] = await Promise.all([
    import("node:fs/promises"),
    import("node:stream/consumers"),
    import("./clock.ts"),
  ]);
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    clock: cliClock,
    signal: stop.signal,
    readFile: (path) => (path === "-" ? text(process.stdin) : readFile(path, "utf8")),
  };
}

import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { ContextOptions } from "./context.ts";
import { readEnv } from "./env.ts";
import type { Host } from "./system/host.ts";

/** `fettle-agent run` is the agent itself, as the unit starts it; anything else is a command on this machine. */
export async function program(
  host: Host,
  args: readonly string[],
  options: Pick<ContextOptions, "open"> = {},
): Promise<never> {
  const run = args.length === 1 && args[0] === "run" ? runAgent(host, options) : runCommand(host, args);
  process.exit(await run.catch(failed));
}

async function runAgent(host: Host, options: Pick<ContextOptions, "open">): Promise<number> {
  await import("@fettle/shared/lib/small-heap.ts");
  const { createContext } = await import("./context.ts");
  const { runServices } = await import("./run.ts");
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(name)));
  const context = await createContext({ env: readEnv(process.env), host, ...options });
  await runServices(context.services, context.logger, stop.signal);
  context.close();
  return 0;
}

async function runCommand(host: Host, args: readonly string[]): Promise<number> {
  const { cli } = await import("./cli.ts");
  const io = {
    out: (line: string) => void process.stdout.write(line),
    error: (line: string) => void process.stderr.write(line),
    readStdin: async () => (process.stdin.isTTY ? null : await text(process.stdin)),
    confirm: async (question: string) => (process.stdin.isTTY ? await asked(question) : null),
    holdOn: () => {
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => {});
    },
  };
  return cli(args, { env: readEnv(process.env), host, ownUid: process.getuid?.() ?? 0, io });
}

async function asked(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

function failed(error: unknown): number {
  process.stderr.write(`fettle-agent: ${messageOf(error)}\n`);
  return 1;
}

import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import type { ContextOptions } from "./context.ts";
import { readEnv } from "./env.ts";
import type { Host } from "./system/host.ts";

/** `run` is the agent itself and `guard` what watches a new version, as units start them; else it is a command. */
export async function program(
  host: Host,
  args: readonly string[],
  options: Pick<ContextOptions, "open"> = {},
): Promise<never> {
  process.exit(await chosen(host, args, options).catch(failed));
}

function chosen(host: Host, args: readonly string[], options: Pick<ContextOptions, "open">): Promise<number> {
  const [only] = args;
  if (args.length === 1 && only === "run") return runAgent(host, options);
  if (args.length === 1 && only === "guard") return runGuard(host);
  return runCommand(host, args);
}

/** What the guard's unit starts, of the version before; it opens neither the journal nor the link. */
async function runGuard(host: Host): Promise<number> {
  const { guard } = await import("./update/guard.ts");
  const { updateLayout } = await import("./update/layout.ts");
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(new Error(name)));
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    await guard(host, updateLayout(readEnv(process.env).dataFolder), say, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return 0;
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

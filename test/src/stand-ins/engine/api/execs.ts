import type { Core } from "../core.ts";
import { badRequest } from "../errors.ts";
import { inspectedExec } from "../exec/execs.ts";
import { frame } from "../exec/frames.ts";
import type { Call } from "./call.ts";

export async function create(call: Call, { containers, execs }: Core): Promise<void> {
  const container = containers.get(call.params[0] ?? "");
  call.answer(201, { Id: execs.create(container, await call.json()).id });
}

export async function inspect(call: Call, { execs }: Core): Promise<void> {
  call.answer(200, inspectedExec(execs.get(call.params[0] ?? "")));
}

/** Attached, its output comes on this connection, and what kept it from starting is a line of it. */
export async function start(call: Call, { execs }: Core): Promise<void> {
  const body = await call.json();
  const exec = execs.prepare(call.params[0] ?? "");
  if (body.Detach === true) {
    await detached(call, execs.run(exec, { output: () => undefined, input: (stdin) => stdin.end() }));
    return;
  }
  const kind = exec.tty || call.request.headers.upgrade === undefined ? "raw" : "multiplexed";
  const { output, input } = call.takeOver(`application/vnd.docker.${kind}-stream`);
  const refusal = await execs.run(exec, {
    output: (stream, data) => output.write(exec.tty ? data : frame(stream, data)),
    input: (stdin) => (input === undefined ? stdin.end() : input.pipe(stdin)),
  });
  if (refusal !== undefined) output.write(exec.tty ? `${refusal}\r\n` : frame("stdout", `${refusal}\r\n`));
  output.end();
}

/** Waits only to see whether it starts at all. */
async function detached(call: Call, ran: Promise<string | undefined>): Promise<void> {
  const started = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
  const refusal = await Promise.race([ran, started]);
  ran.catch(() => undefined);
  if (refusal !== undefined) throw badRequest(refusal);
  call.answer(200);
}

import { createContext } from "@fettle/agent/context.ts";
import { readEnv } from "@fettle/agent/env.ts";
import { runServices } from "@fettle/agent/run.ts";
import { messageOf } from "@fettle/shared/lib/errors.ts";
import { sandboxHost } from "./machine.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort(new Error(name)));

try {
  const context = await createContext({ env: readEnv(process.env), host: sandboxHost() });
  await runServices(context.services, context.logger, stop.signal);
  context.close();
} catch (error) {
  process.stderr.write(`fettle-agent: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
process.exit();

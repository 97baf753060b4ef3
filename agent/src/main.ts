import { messageOf } from "@fettle/shared/lib/errors.ts";
import { createContext } from "./context.ts";
import { readEnv } from "./env.ts";
import { runServices } from "./run.ts";
import { makeRealHost } from "./system/real/host.ts";

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort(new Error(name)));

try {
  const context = await createContext({ env: readEnv(process.env), host: makeRealHost() });
  await runServices(context.services, context.logger, stop.signal);
  context.close();
} catch (error) {
  process.stderr.write(`fettle-agent: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
process.exit();

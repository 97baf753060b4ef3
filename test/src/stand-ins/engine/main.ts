/** The stand-in as a program; SIGTERM and SIGINT are the daemon's orderly end. */
import { startEngine } from "./engine.ts";
import { readOptions } from "./options.ts";

const engine = await startEngine(readOptions(process.argv.slice(2), process.env));

const stop = (): void => {
  engine.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

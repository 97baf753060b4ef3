/** The stand-in as the command of its image: settings from the environment, log on stderr as the real one's. */
import { startGateway } from "./gateway.ts";

const gateway = await startGateway({ env: process.env, write: (line) => process.stderr.write(`${line}\n`) });

let stopping = false;
const stop = (): void => {
  stopping = true;
  gateway.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

await gateway.ended;
if (!stopping) process.exit(2);

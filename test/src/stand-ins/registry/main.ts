import { readFileSync } from "node:fs";
import { type RegistryOptions, startRegistry } from "./start-registry.ts";

/**
 * STAND_IN_LISTEN `address:port` (default 127.0.0.1:5000), STAND_IN_CONTROL the control socket, STAND_IN_OPTIONS a file
 * with more of RegistryOptions as JSON (models, images, releases).
 */
async function run(): Promise<void> {
  const { STAND_IN_LISTEN, STAND_IN_CONTROL, STAND_IN_OPTIONS } = process.env;
  const [host = "127.0.0.1", port = "5000"] = (STAND_IN_LISTEN || "127.0.0.1:5000").split(":");
  const more = STAND_IN_OPTIONS ? (JSON.parse(readFileSync(STAND_IN_OPTIONS, "utf8")) as RegistryOptions) : {};
  const control = STAND_IN_CONTROL ? { control: STAND_IN_CONTROL } : {};
  const registry = await startRegistry({ ...more, ...control, host, port: Number(port) });
  console.log(`registry stand-in on ${registry.url}`);
  const stop = (): void => {
    registry.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

run().catch((error: unknown) => {
  process.stderr.write(`Error: ${(error as Error).message}\n`);
  process.exit(1);
});

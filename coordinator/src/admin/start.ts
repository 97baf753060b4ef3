import type { Config } from "../config.ts";
import { serve } from "../serve.ts";

/** `fettle coordinator start`: in the foreground, until the signal fires. */
export async function start(config: Config, signal: AbortSignal): Promise<void> {
  await serve(config, signal);
}

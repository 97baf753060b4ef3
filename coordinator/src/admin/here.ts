import { systemClock } from "../clock.ts";
import { pathsOf, readConfig } from "../config.ts";
import { readEnv } from "../env.ts";
import { type Initialised, init } from "./init.ts";
import { start } from "./start.ts";

/** `fettle coordinator init` and `start`, with the places that the environment names. */
export async function initHere(environment: NodeJS.ProcessEnv): Promise<Initialised> {
  return await init(pathsOf(readEnv(environment)), systemClock);
}

export async function startHere(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  await start(readConfig(readEnv(environment)), signal);
}

import type { Initialised } from "./init.ts";

// Each part is loaded by the command that needs it: what a process has loaded stays in its memory.

/** `fettle coordinator init`, with the places that the environment names. */
export async function initHere(environment: NodeJS.ProcessEnv): Promise<Initialised> {
  const [{ init }, { pathsOf }, { readEnv }, { systemClock }] = await Promise.all([
    import("./init.ts"),
    import("../config.ts"),
    import("../env.ts"),
    import("../clock.ts"),
  ]);
  return await init(pathsOf(readEnv(environment)), systemClock);
}

/** `fettle coordinator start`, likewise: in the foreground, until the signal fires. */
export async function startHere(environment: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  await import("@fettle/shared/lib/small-heap.ts");
  const [{ readConfig }, { readEnv }, { serve }] = await Promise.all([
    import("../config.ts"),
    import("../env.ts"),
    import("../serve.ts"),
  ]);
  await serve(readConfig(readEnv(environment)), signal);
}

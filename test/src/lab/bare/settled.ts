import { drifts } from "../drifts/drifts.ts";
import { worldAsDeclared } from "../drifts/world.ts";
import { inSync } from "../fettle/in-sync.ts";
import type { Lab } from "../lab.ts";
import { timed } from "../stopwatch.ts";

const limitMs = 240_000;

/** Waits until all is as declared, seen from outside and said by Fettle; gives the seconds it took. */
export async function settled(lab: Lab): Promise<string> {
  const { seconds } = await timed(async () => {
    await worldAsDeclared(lab, drifts, limitMs);
    await inSync(lab, limitMs);
  });
  return `in sync after ${seconds.toFixed(1)} s`;
}

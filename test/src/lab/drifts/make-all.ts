import type { Lab } from "../lab.ts";
import type { Drift } from "./drift.ts";
import { ollamaHost } from "./ollama-host.ts";

/**
 * Makes drifts in quick succession, OLLAMA_HOST last: the others speak to Ollama where it is declared to be. Gives the
 * wall-clock ms of each one's event, in the order of `made`.
 */
export async function makeAll(lab: Lab, made: readonly Drift[]): Promise<number[]> {
  const events = new Map<Drift, number>();
  const last = (drift: Drift) => Number(drift === ollamaHost);
  for (const drift of [...made].sort((a, b) => last(a) - last(b))) events.set(drift, await drift.make(lab));
  return made.map((drift) => events.get(drift) ?? Number.NaN);
}

import type { Lab } from "../lab.ts";
import { until } from "../until.ts";
import type { Drift } from "./drift.ts";

/** Waits until nothing of these drifts is to be seen from outside. */
export async function worldAsDeclared(lab: Lab, drifts: Drift[], timeoutMs: number): Promise<void> {
  for (const drift of drifts) {
    await until(`${drift.name} to be no more`, timeoutMs, async () => {
      return (await drift.healed(lab).catch(() => false)) || undefined;
    });
  }
}

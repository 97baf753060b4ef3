import type { RunView } from "@fettle/shared/api/runs.ts";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import { inSync } from "../fettle/in-sync.ts";
import type { Lab } from "../lab.ts";
import { until } from "../until.ts";
import type { Drift } from "./drift.ts";
import { makeAll } from "./make-all.ts";

/** Seconds: from the drift's event until Fettle began to repair, from then until that was verified. */
export type Healing = { drift: Drift; detection: number; repair: number };

const limitMs = 120_000;

/** Makes drifts, one on the heels of the other, and waits until they are repaired as seen from outside and by Fettle. */
export async function heal(lab: Lab, made: Drift[]): Promise<Healing[]> {
  const before = new Set((await runsOf(lab, made)).map(({ id }) => id));
  const events = await makeAll(lab, made);
  await until(`the repair of ${made.map(({ name }) => name).join(", ")}`, limitMs, async () => {
    const runs = (await runsOf(lab, made)).filter(({ id }) => !before.has(id));
    const repaired = made.every((drift) => repairsOf(runs, drift).length > 0);
    if (!repaired) return undefined;
    return (await Promise.all(made.map((drift) => drift.healed(lab)))).every(Boolean) || undefined;
  });
  await inSync(lab, limitMs);
  const runs = (await runsOf(lab, made)).filter(({ id }) => !before.has(id));
  return made.map((drift, index) => healing(drift, events[index] ?? Number.NaN, repairsOf(runs, drift)));
}

function healing(drift: Drift, event: number, repairs: RunView[]): Healing {
  const started = Math.min(...repairs.map(({ startedAt }) => startedAt));
  const ended = Math.max(...repairs.map(({ endedAt }) => endedAt ?? 0));
  return { drift, detection: Math.max(0, started - event) / 1000, repair: (ended - started) / 1000 };
}

function repairsOf(runs: RunView[], drift: Drift): RunView[] {
  const own = runs.filter(({ node, resource }) => node === drift.node && drift.resources.includes(resource));
  return own.filter(({ outcome }) => outcome === "repaired");
}

async function runsOf(lab: Lab, made: Drift[]): Promise<RunView[]> {
  const nodes = [...new Set(made.map(({ node }) => node))];
  const answers = await Promise.all(nodes.map((node) => lab.fettle.call(runsRoute, { query: { node, limit: 200 } })));
  return answers.flatMap(({ runs }) => runs);
}

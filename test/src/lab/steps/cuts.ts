import { setTimeout as sleep } from "node:timers/promises";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import type { Drift } from "../drifts/drift.ts";
import { drifts } from "../drifts/drifts.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import { worldAsDeclared } from "../drifts/world.ts";
import { inSync } from "../fettle/in-sync.ts";
import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import type { Peer } from "../partition.ts";
import { cut, heal } from "../partition.ts";
import { seconds, timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import type { Step } from "./step.ts";

const cutMs = 30_000;

export const cuts: Step[] = [
  {
    name: "an agent cut off from the coordinator for 30 s repairs by itself, and what it did is known afterwards",
    async run(lab) {
      const since = Date.now();
      const { seconds: repair } = await timed(() =>
        whileCut(lab.ollama, lab.coordinator, () => gone(lab, modelRemoved)),
      );
      const back = await backInSync(lab);
      const { seconds: later } = await timed(() => knownRepair(lab, modelRemoved, since));
      return `cut for${seconds(repair)}, ${back}, its record there${seconds(later)} after that`;
    },
  },
  {
    name: "the gateway cut off from the model server for 30 s comes back into sync",
    async run(lab) {
      await whileCut(lab.gateway, lab.ollama, async () => undefined);
      return backInSync(lab);
    },
  },
];

async function whileCut(host: Host, peer: Host | Peer, work: () => Promise<void>): Promise<void> {
  await cut(host, peer);
  try {
    await Promise.all([sleep(cutMs), work()]);
  } finally {
    await heal(host, peer);
  }
}

async function gone(lab: Lab, drift: Drift): Promise<void> {
  await drift.make(lab);
  await worldAsDeclared(lab, [drift], cutMs - 5_000);
}

/** Waits until the coordinator knows of a repair of each resource that began after that time. */
async function knownRepair(lab: Lab, { node, resources }: Drift, since: number): Promise<void> {
  await until("the record of what was repaired meanwhile", 60_000, async () => {
    const { runs } = await lab.fettle.call(runsRoute, { query: { node, limit: 50 } });
    const done = runs.filter(({ startedAt, outcome }) => startedAt >= since && outcome === "repaired");
    return resources.every((id) => done.some(({ resource }) => resource === id)) || undefined;
  });
}

async function backInSync(lab: Lab): Promise<string> {
  const { seconds: took } = await timed(async () => {
    await worldAsDeclared(lab, drifts, 120_000);
    await inSync(lab, 120_000);
  });
  return `in sync${seconds(took)} after the healing`;
}

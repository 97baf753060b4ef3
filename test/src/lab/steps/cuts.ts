import assert from "node:assert/strict";
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
import type { Step } from "./step.ts";

const cutMs = 30_000;

export const cuts: Step[] = [
  {
    name: "an agent cut off from the coordinator for 30 s repairs by itself, and what it did is known afterwards",
    async run(lab) {
      const { runs: before } = await lab.fettle.call(runsRoute, { query: { node: "ollama-1", limit: 1 } });
      const { seconds: repair } = await timed(() =>
        whileCut(lab.ollama, lab.coordinator, () => gone(lab, modelRemoved)),
      );
      const back = await backInSync(lab);
      const { runs } = await lab.fettle.call(runsRoute, { query: { node: "ollama-1", limit: 50 } });
      const news = runs.slice(
        0,
        runs.findIndex(({ id }) => id === before[0]?.id),
      );
      const repaired = news.filter(({ outcome }) => outcome === "repaired").map(({ resource }) => resource);
      for (const resource of modelRemoved.resources) assert.ok(repaired.includes(resource), `${resource} has no run`);
      return `cut for${seconds(repair)}, ${back}`;
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

async function backInSync(lab: Lab): Promise<string> {
  const { seconds: took } = await timed(async () => {
    await worldAsDeclared(lab, drifts, 120_000);
    await inSync(lab, 120_000);
  });
  return `in sync${seconds(took)} after the healing`;
}

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import { drifts } from "../drifts/drifts.ts";
import { inSync } from "../fettle/in-sync.ts";
import { stackText } from "../fettle/stack-text.ts";
import type { Lab } from "../lab.ts";
import type { Step } from "./step.ts";

/** Longer than the longest pause between two sweeps. */
const sweepMs = 30_000;

export const converge: Step[] = [
  {
    name: "the stack converges to in sync, and so it is seen from outside",
    async run(lab) {
      await inSync(lab, 240_000);
      for (const drift of drifts) assert.ok(await drift.healed(lab), `${drift.name}: the world is not as declared`);
    },
  },
  {
    name: "nothing changes when nothing is wrong: a second apply and a sweep repair nothing",
    async run(lab) {
      const before = await newestRuns(lab);
      await lab.fettle.apply(stackText(lab.config));
      await sleep(sweepMs);
      assert.deepEqual(await newestRuns(lab), before);
    },
  },
];

async function newestRuns(lab: Lab): Promise<string[]> {
  const { runs } = await lab.fettle.call(runsRoute, { query: { limit: 50 } });
  return runs.map(({ id, node, resource, outcome }) => `${id} ${node}/${resource} ${outcome}`);
}

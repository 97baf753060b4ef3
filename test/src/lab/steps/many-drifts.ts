import { spreadOf, table } from "../../bench/statistics.ts";
import type { Drift } from "../drifts/drift.ts";
import { drifts } from "../drifts/drifts.ts";
import type { Healing } from "../drifts/heal.ts";
import { heal } from "../drifts/heal.ts";
import type { Lab } from "../lab.ts";
import type { Step } from "./step.ts";

const times = 20;

export const manyDrifts: Step[] = [
  {
    name: `each drift ${times} times`,
    async run(lab) {
      const rows: string[][] = [];
      for (const drift of drifts) rows.push(rowOf(drift, await repeatedly(lab, drift)));
      const head = ["drift", "times", "detection", "p95", "repair", "p95"];
      return table([head, ...rows]);
    },
  },
  ...combinations(drifts)
    .filter((several) => several.length > 1)
    .map((several) => ({
      name: `at once: ${several.map(({ name }) => name).join(", ")}`,
      run: async (lab: Lab) => (await heal(lab, several)).map(lineOf).join("\n"),
    })),
];

async function repeatedly(lab: Lab, drift: Drift): Promise<Healing[]> {
  const healings: Healing[] = [];
  for (let time = 0; time < times; time += 1) healings.push(...(await heal(lab, [drift])));
  return healings;
}

function rowOf(drift: Drift, healings: Healing[]): string[] {
  const detection = spreadOf(healings.map((healing) => healing.detection));
  const repair = spreadOf(healings.map((healing) => healing.repair));
  const spreads = [detection.median, detection.p95, repair.median, repair.p95];
  return [drift.name, String(healings.length), ...spreads.map((value) => `${value.toFixed(2)} s`)];
}

function lineOf({ drift, detection, repair }: Healing): string {
  return `${drift.name}: seen after ${detection.toFixed(2)} s, repaired ${repair.toFixed(2)} s later`;
}

/** Every choice of at least one of them. */
function combinations(all: Drift[]): Drift[][] {
  const [first, ...rest] = all;
  if (first === undefined) return [];
  const without = combinations(rest);
  return [[first], ...without, ...without.map((some) => [first, ...some])];
}

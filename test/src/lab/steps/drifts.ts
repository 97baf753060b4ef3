import { drifts } from "../drifts/drifts.ts";
import { heal } from "../drifts/heal.ts";
import type { Step } from "./step.ts";

export const eachDrift: Step[] = drifts.map((drift) => ({
  name: `a drift is repaired: ${drift.name}`,
  async run(lab) {
    const [healing] = await heal(lab, [drift]);
    return `seen after ${healing?.detection.toFixed(2)} s, repaired ${healing?.repair.toFixed(2)} s later`;
  },
}));

import type { BareStep } from "../bare/bare-lab.ts";
import { type BareOptions, upBare } from "../bare/bring-up.ts";
import { offlineCuts } from "../bare/offline-cut.ts";
import { offlineLater } from "../bare/offline-later.ts";
import { offlineSteps } from "../bare/offline-steps.ts";
import type { Releases } from "../bare/releases.ts";
import { sharedSteps } from "../bare/shared-steps.ts";
import { bareSteps } from "../bare/steps.ts";
import { upCloud } from "../cloud/cloud-lab.ts";
import { cloudSteps } from "../cloud/steps.ts";
import type { LabConfig } from "../config.ts";
import { type Count, runAll } from "./test.ts";

/** Steps that begin with new machines. */
type Part = { machines: Omit<BareOptions, "releases">; steps: BareStep[] };

function parts(full: boolean): Part[] {
  const shared: Part = { machines: { engine: false, coordinator: "gateway-1" }, steps: sharedSteps };
  return [
    { machines: { engine: false }, steps: bareSteps(full) },
    ...(full ? [shared] : []),
    { machines: { engine: true }, steps: [...offlineSteps(), ...(full ? [...offlineCuts, ...offlineLater] : [])] },
    ...(full ? [{ machines: { engine: false }, steps: offlineSteps(false) }] : []),
  ];
}

/** From bare machines by what a user types; ends with `N passed, N failed` and gives the exit code. */
export async function testInstall(config: LabConfig, full: boolean): Promise<number> {
  const total = { passed: 0, failed: 0 };
  const count = ({ passed, failed }: Count) => {
    total.passed += passed;
    total.failed += failed;
  };
  let built: { releases?: Releases } = {};
  for (const { machines, steps } of parts(full)) {
    const lab = await upBare(config, { ...machines, ...built });
    built = { releases: lab.releases };
    count(await runAll(lab, steps));
  }
  if (full) count(await runAll(await upCloud(config, built.releases), cloudSteps()));
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

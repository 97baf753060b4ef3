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
import { makeDevBuild } from "../docs/make-release.ts";
import { pageSteps } from "../docs/page-steps.ts";
import { type Count, runAll } from "./test.ts";

/** Steps that begin with new machines. */
type Part = {
  machines: Omit<BareOptions, "releases">;
  steps: BareStep[];
  /** Makes the releases that are installed; without it they are the lab's own. */
  build?: (config: LabConfig) => Promise<Releases>;
};

function parts(full: boolean): Part[] {
  const shared: Part = { machines: { engine: false, coordinator: "gateway-1" }, steps: sharedSteps };
  const pages: Part = { machines: { engine: false }, steps: pageSteps(), build: makeDevBuild };
  return [
    { machines: { engine: false }, steps: bareSteps(full) },
    ...(full ? [shared, pages] : []),
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
  for (const { machines, steps, build } of parts(full)) {
    const releases = build === undefined ? built : { releases: await build(config) };
    const lab = await upBare(config, { ...machines, ...releases });
    if (build === undefined) built = { releases: lab.releases };
    count(await runAll(lab, steps));
  }
  if (full) count(await runAll(await upCloud(config, built.releases), cloudSteps()));
  process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

import { drifts } from "../drifts/drifts.ts";
import { featureRemapped } from "../drifts/feature-remapped.ts";
import type { BareStep } from "./bare-lab.ts";
import { installSteps } from "./install-steps.ts";
import { manyInstalls } from "./many-installs.ts";
import { cutSteps, killSteps, rebootSteps } from "./matrix-steps.ts";
import { uninstallSteps } from "./uninstall-steps.ts";

/** What is asked of Fettle as it comes onto machines; `full` is run by hand. */
export function bareSteps(full: boolean): BareStep[] {
  // What GitLab is told is read once a minute only, as on a real machine.
  const quick = drifts.filter((drift) => drift !== featureRemapped);
  const disturbed = [...rebootSteps, ...cutSteps(full ? [1, 30, 120] : [1]), ...killSteps(full ? drifts : quick)];
  return [...installSteps, ...disturbed, ...(full ? manyInstalls : []), ...uninstallSteps];
}

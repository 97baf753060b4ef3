import { drifts } from "../drifts/drifts.ts";
import { featureRemapped } from "../drifts/feature-remapped.ts";
import { again } from "../install/again.ts";
import { cuts } from "../install/cuts.ts";
import { interrupted } from "../install/interrupted.ts";
import { refusals } from "../install/refusals.ts";
import { updateSteps } from "../update/steps.ts";
import type { BareStep } from "./bare-lab.ts";
import { identitySteps } from "./identity-steps.ts";
import { agents, arrival } from "./install-steps.ts";
import { manyInstalls } from "./many-installs.ts";
import { cutSteps, killSteps, rebootSteps } from "./matrix-steps.ts";
import { uninstallSteps } from "./uninstall-steps.ts";

/** What is asked of Fettle as it comes onto machines; `full` is run by hand. */
export function bareSteps(full: boolean): BareStep[] {
  // What GitLab is told is read once a minute only, as on a real machine.
  const quick = drifts.filter((drift) => drift !== featureRemapped);
  const disturbed = [...rebootSteps, ...cutSteps(full ? [1, 30, 120] : [1]), ...killSteps(full ? drifts : quick)];
  // Waiting for a token to run out takes a minute.
  const refused = refusals.filter(({ name }) => full || !name.includes("has run out"));
  const script = [...cuts, ...refused, ...(full ? interrupted : [])];
  // A good version on all, and one that ends at once: what is installed after it must be the good one.
  const updates = full ? updateSteps : updateSteps.slice(0, 2);
  const repeated = full ? manyInstalls : [];
  return [
    ...arrival,
    ...script,
    ...agents,
    ...again,
    ...disturbed,
    ...(full ? identitySteps : []),
    ...updates,
    ...repeated,
    ...uninstallSteps,
  ];
}

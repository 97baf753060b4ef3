import { hostRestart } from "../steps/host-restart.ts";
import type { BareStep } from "./bare-lab.ts";
import { installSteps } from "./install-steps.ts";
import { uninstallSteps } from "./uninstall-steps.ts";

/** What is asked of Fettle as it comes onto machines; `full` is run by hand. */
export function bareSteps(_full: boolean): BareStep[] {
  return [...installSteps, ...hostRestart, ...uninstallSteps];
}

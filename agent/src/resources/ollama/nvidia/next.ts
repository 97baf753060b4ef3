import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { Verdict } from "../../resource.ts";
import { INSTALL_UNIT } from "./install.ts";
import type { InstallView } from "./look.ts";

/** What an apply is to do, by the name of what changes. */
export const DRIVER = "NVIDIA driver";
export const MODULE = "NVIDIA module";
export const MACHINE = "this machine";

/** Where the driver does not do: the next step towards one that does. `found` is what is there, in words. */
export function nextStep(view: InstallView, isServing: boolean, found: string, problem: string): Verdict {
  const step = stepOf(view, found, problem);
  // Ollama, which runs without a card now, is started again after it.
  return step.kind === "drift" && isServing ? { ...step, disturbs: "service" } : step;
}

function stepOf(view: InstallView, found: string, problem: string): Verdict {
  const { machine, installing, branch, wanted, isUnpackaged } = view;
  if (machine.cards.length === 0) return { kind: "blocked", code: "ollama.driver.no-gpu", args: {} };
  if (installing) return { kind: "unknown", code: "agent.in-transit", args: { what: INSTALL_UNIT, state: "running" } };
  if (isUnpackaged) {
    const args = { found, floor: wanted.floor, origin: "nvidia-smi is of no package" };
    return { kind: "blocked", code: "ollama.driver.foreign", args };
  }
  // One that is good enough is not replaced, whatever keeps it from working.
  const isThere = branch !== null && branch >= wanted.floor;
  return isThere && !isHalf(view) ? brought(view, branch, problem) : packages(view, found);
}

/** We have begun it, and not all of it is there. */
function isHalf({ choice, isOurs }: InstallView): boolean {
  return isOurs && choice?.kind === "packages" && !choice.installed;
}

function packages({ choice, isListed }: InstallView, found: string): Verdict {
  if (choice === null) throw new Error("there is nothing to choose from");
  if (choice.kind === "packages") return drift(DRIVER, found, choice.branch, `the packages ${choice.names.join(" ")}`);
  // Lists that were never read say nothing of what there is.
  const mayBeOld = ["ollama.driver.no-package", "ollama.driver.non-free", "ollama.driver.no-headers"];
  if (!isListed && mayBeOld.includes(choice.code)) return drift(DRIVER, found, "the distribution's", "its packages");
  return { kind: "blocked", code: choice.code, args: choice.args };
}

/** The packages are there: the module, a reboot, or what keeps it from working after one. */
function brought(view: InstallView, branch: number, problem: string): Verdict {
  const { isTried, isRebooted, mayReboot, moduleSaid, machine } = view;
  if (!isTried) return drift(MODULE, "not loaded", "loaded");
  const { kernel } = machine;
  if (/Key was rejected|Required key not available/.test(moduleSaid))
    return { kind: "blocked", code: "ollama.driver.secure-boot", args: { kernel, problem: moduleSaid } };
  const said = moduleSaid === "" ? problem : moduleSaid;
  if (isRebooted) return { kind: "blocked", code: "ollama.driver.no-module", args: { branch, kernel, problem: said } };
  if (mayReboot) return drift(MACHINE, "running since before the driver", "rebooted");
  return { kind: "blocked", code: "ollama.driver.reboot", args: { branch, problem: said } };
}

function drift(what: string, from: string, to: string, creates?: string): Verdict {
  const changes: Change[] = [{ what, from, to }];
  const more = creates === undefined ? {} : { creates };
  return { kind: "drift", changes, disturbs: "none", breaking: true, ...more };
}

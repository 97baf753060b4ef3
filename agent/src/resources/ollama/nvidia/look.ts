import { isRunning } from "../../any/apt-unit.ts";
import type { ResourceContext } from "../../resource.ts";
import { AptLook } from "./apt-look.ts";
import { type Choice, choose, type Wanted } from "./choose.ts";
import { BEGUN, INSTALL_UNIT, LISTS, MODULE_SAID, TRIED } from "./install.ts";
import { type DriverMachine, driverMachine } from "./machine.ts";

/** What is known where the stack says `driver: install` and the driver does not do. */
export interface InstallView {
  readonly machine: DriverMachine;
  readonly wanted: Wanted;
  readonly installing: boolean;
  /** The branch of the packages that are installed; null for none. */
  readonly branch: number | null;
  /** nvidia-smi is there and no package has brought it. */
  readonly isUnpackaged: boolean;
  /** null where what is there is good enough, so that nothing is chosen. */
  readonly choice: Choice | null;
  /** We have begun to install the chosen branch. */
  readonly isOurs: boolean;
  /** The package lists were read in this boot: what they lack is not there. */
  readonly isListed: boolean;
  /** Its module was tried in this boot. */
  readonly isTried: boolean;
  readonly moduleSaid: string;
  /** It was rebooted for the driver, in a boot before this one. */
  readonly isRebooted: boolean;
  /** A person has approved a reboot, or it is the one that this machine allows. */
  readonly mayReboot: boolean;
}

/** In which boot this agent first looked, and in which one it last asked for a reboot. */
export const FIRST_BOOT = "first-boot";
export const REBOOTED = "rebooted-from";

/** What was done on the way to a driver that works. */
export const STEPS = [BEGUN, LISTS, MODULE_SAID, TRIED, REBOOTED];

export async function lookForInstall(
  { host, kept, approved }: ResourceContext,
  wanted: Wanted,
  firstBootReboot: boolean,
): Promise<InstallView> {
  const apt = new AptLook(host.exec);
  const machine = await driverMachine(host);
  const { bootId } = machine;
  const versions = await apt.versions(["nvidia-utils-*", "nvidia-smi", "nvidia-driver-cuda"]);
  const branch = versions.length === 0 ? null : Math.max(...versions.map(branchOf));
  const begun = kept.get(BEGUN);
  const isTried = kept.get(TRIED) === bootId;
  const isEnough = branch !== null && branch >= wanted.floor && (begun === null || isTried);
  const choice = isEnough ? null : await choose(apt, machine, wanted);
  const program = await host.exec.find("nvidia-smi");
  const isUnpackaged = program !== null && versions.length === 0 && (await apt.ownerOf(program)) === null;
  const rebootedFrom = kept.get(REBOOTED);
  const isFirst = kept.get(FIRST_BOOT) === bootId && rebootedFrom === null;
  return {
    machine,
    wanted,
    installing: isRunning(await host.units.show(INSTALL_UNIT)),
    branch,
    isUnpackaged,
    choice,
    isOurs: choice?.kind === "packages" && begun === choice.branch,
    isListed: kept.get(LISTS) === bootId,
    isTried,
    moduleSaid: kept.get(MODULE_SAID) ?? "",
    isRebooted: rebootedFrom !== null && rebootedFrom !== bootId,
    mayReboot: approved || (firstBootReboot && isFirst),
  };
}

function branchOf(version: string): number {
  return Number(/^(?:\d+:)?(\d+)\./.exec(version)?.[1] ?? 0);
}

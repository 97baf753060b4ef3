import { bus } from "./bus.ts";
import { contracts } from "./contracts.ts";
import { converge } from "./converge.ts";
import { cuts } from "./cuts.ts";
import { eachDrift } from "./drifts.ts";
import { engine } from "./engine.ts";
import { files } from "./files.ts";
import { everyHostRestart, hostRestart } from "./host-restart.ts";
import { identity } from "./identity.ts";
import { kills } from "./kills.ts";
import { manyDrifts } from "./many-drifts.ts";
import { network } from "./network.ts";
import { everyPartition, partition } from "./partition.ts";
import { manyRestarts, reboot } from "./reboot.ts";
import type { Step } from "./step.ts";

/** What is asked of the machines before Fettle comes. `full` adds what takes long and is run by hand. */
export function machineSteps(full: boolean): Step[] {
  const always = [...identity, ...bus, ...files, ...network, ...engine, ...partition, ...reboot];
  return full ? [...always, ...everyPartition, ...manyRestarts] : always;
}

/** What is asked of Fettle on them. */
export function fettleSteps(full: boolean): Step[] {
  const always = [...converge, ...eachDrift, ...hostRestart, ...cuts, ...contracts];
  return full ? [...always, ...manyDrifts, ...everyHostRestart, ...kills] : always;
}

import { bus } from "./bus.ts";
import { engine } from "./engine.ts";
import { files } from "./files.ts";
import { identity } from "./identity.ts";
import { network } from "./network.ts";
import { everyPartition, partition } from "./partition.ts";
import { manyRestarts, reboot } from "./reboot.ts";
import type { Step } from "./step.ts";

const always: Step[] = [...identity, ...bus, ...files, ...network, ...engine, ...partition, ...reboot];
const byHand: Step[] = [...everyPartition, ...manyRestarts];

/** What the lab test does, in order. `full` adds what takes long and is run by hand. */
export function steps(full: boolean): Step[] {
  return full ? [...always, ...byHand] : always;
}

import { bus } from "./bus.ts";
import { engine } from "./engine.ts";
import { files } from "./files.ts";
import { identity } from "./identity.ts";
import { network } from "./network.ts";
import { partition } from "./partition.ts";
import { reboot } from "./reboot.ts";
import type { Step } from "./step.ts";

/** What the lab test does, in order. `full` adds what takes long and is run by hand. */
export function steps(_full: boolean): Step[] {
  return [...identity, ...bus, ...files, ...network, ...engine, ...partition, ...reboot];
}

import type { BareStep } from "../bare/bare-lab.ts";
import { coordinatorAway, guardKilled, killedAtSwitch, rebootInTrial } from "./disturbed.ts";
import { allUpdate } from "./good-update.ts";
import { takenBack } from "./taken-back.ts";

/** Updates of the agents on real machines; they come after the installation, which leaves version 0.1.0. */
export const updateSteps: BareStep[] = [
  { name: "a signed release, one node first and then the rest: all run it, and all stays in sync", run: allUpdate },
  takenBack("ends at once", "0.3.1", "exits", /crashed/),
  takenBack("lacks a file", "0.3.2", "incomplete", /crashed/),
  takenBack("hangs and never connects", "0.3.3", "hangs", /not-connected/),
  takenBack("brings units that do not work, the guard's too", "0.3.0", "units", /not-connected/),
  { name: "a reboot in the middle of a trial: the guard comes up with the machine and decides", run: rebootInTrial },
  { name: "the guard is killed in the middle of a trial: it comes back and decides", run: guardKilled },
  { name: "the coordinator is away during a trial: taken back; asked for again, it is done", run: coordinatorAway },
  { name: "kill -9 of the agent at moments of the switch: it ends with the new version, well", run: killedAtSwitch },
];

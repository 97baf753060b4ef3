import assert from "node:assert/strict";
import { join } from "node:path";
import type { BareLab } from "../bare/bare-lab.ts";
import { copyIn, copyOut } from "../host-files.ts";
import { allBack, enforceAndBackUp, restore, startAndLook, stopCoordinator } from "./restore-points.ts";
import { standbyOf } from "./standby.ts";

/** The new backup of the restored coordinator, put onto the first machine in the place of the coordinator that is there. */
export async function movedBack(lab: BareLab): Promise<string> {
  const moved = standbyOf(lab);
  const between = join(lab.config.folder, "moved-back");
  for (const name of ["fettle-restored.age", "backup-passphrase"]) {
    await copyOut(moved.coordinator, `/root/${name}`, between);
    await copyIn(lab.coordinator, join(between, name), "/root");
  }
  for (const one of [moved, lab]) await stopCoordinator(one);
  const said = await restore(lab, "fettle-restored.age");
  assert.match(said, /now epoch 4/);
  await lab.coordinator.run(["rm", "/root/fettle-restored.age"]);
  await startAndLook(lab);
  return `${await allBack(lab)}\n${await enforceAndBackUp(lab)}`;
}

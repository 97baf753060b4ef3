import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import type { BareLab, BareStep } from "../bare/bare-lab.ts";
import { quotedThat } from "../bare/page.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import { standbyHost } from "../layout.ts";
import { until } from "../until.ts";
import { bring } from "../update/lab-releases.ts";
import { backupName } from "./backup-page.ts";
import { Maker } from "./maker.ts";
import { movedBack } from "./moved-back.ts";
import {
  allBack,
  enforceAndBackUp,
  look,
  newMachine,
  restore,
  startAndLook,
  stopCoordinator,
} from "./restore-points.ts";
import { restoreRefusals } from "./restore-refused.ts";
import { restoredTwice, untilRefused } from "./restored-twice.ts";
import { moveName, standbyOf } from "./standby.ts";
import { coordinatorName } from "./update-page.ts";

/** docs/backup-restore.md from "Restore" on: twice on a new machine, once for each way that agents find it by. */
export function restorePage(): BareStep[] {
  let restored = "";
  return [
    {
      name: "backup-restore.md: a new machine with a coordinator of the same version; what is refused there",
      needed: true,
      run: async (lab) => restoreRefusals(await newMachine(lab)),
    },
    {
      name: "backup-restore.md: restored on the new machine; the address's DNS name is moved and all agents come back",
      needed: true,
      async run(lab) {
        const moved = standbyOf(lab);
        for (const one of [moved, lab]) await stopCoordinator(one);
        restored = await restore(moved);
        await startAndLook(moved);
        await moveName(lab.config, coordinatorName, standbyHost, lab.ollama);
        return `${restored}\n${await allBack(moved)}`;
      },
    },
    {
      name: "backup-restore.md: what was missing is brought again; all only observe",
      async run(lab) {
        for (const archive of missing(lab, restored)) await bring(standbyOf(lab), archive);
        return onlyObserved(standbyOf(lab));
      },
    },
    { name: "backup-restore.md: the old coordinator, started again, is refused", run: oldIsRefused },
    {
      name: "backup-restore.md: enforced again, in sync, and a new backup",
      run: (lab) => enforceAndBackUp(standbyOf(lab)),
    },
    {
      name: "backup-restore.md: lost before it was backed up and restored twice; the address added to `coordinators`",
      run: restoredTwice,
    },
    { name: "backup-restore.md: restored on the old machine again, in the place of what is there", run: movedBack },
  ];
}

/** What the restore said to be missing, as it lies where releases are made. */
function missing({ config }: BareLab, said: string): string[] {
  const names = [...said.matchAll(/^ {2}agent (fettle-agent-\S+\.tar\.gz)$/gm)].map(([, name = ""]) => name);
  assert.ok(names.length > 0, said);
  const { folder } = new Maker(config);
  return names.flatMap((name) => globSync(`*/${name}`, { cwd: folder }).map((path) => join(folder, path)));
}

/** That a model is gone is seen, and nobody brings it back. */
async function onlyObserved(moved: BareLab): Promise<string> {
  await modelRemoved.make(moved);
  const said = await until("the model's absence to be in fettle diff", 60_000, async () => {
    const shown = await look(moved);
    return /ollama\.model/.test(shown) ? shown : undefined;
  });
  assert.match(said, /every node only observes until the stack is applied with mode: enforce/);
  assert.equal(await modelRemoved.healed(moved), false, "nothing is repaired");
  return said;
}

/** An agent that finds the new one away comes to the old one, and refuses it; it is back with the new one by itself. */
async function oldIsRefused(lab: BareLab): Promise<string> {
  const moved = standbyOf(lab);
  await lab.fettle.start();
  await stopCoordinator(moved);
  const said = await untilRefused(lab.ollama);
  const log = quotedThat(backupName, "## What a restore changes", "journalctl -u fettle-agent");
  assert.match(await lab.ollama.run(["sh", "-c", log]), /link\.fenced/);
  const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
  for (const { node, word } of nodes)
    assert.notEqual(word, "in-sync", `${node}: the old one claims what it cannot know`);
  await stopCoordinator(lab);
  await moved.fettle.start();
  await allBack(moved);
  return said;
}

import assert from "node:assert/strict";
import { join } from "node:path";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import { installCoordinator } from "../bare/install-steps.ts";
import { blockThat } from "../bare/page.ts";
import { settled } from "../bare/settled.ts";
import { stackText } from "../fettle/stack-text.ts";
import type { Host } from "../host.ts";
import { copyIn, writeFile } from "../host-files.ts";
import { timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import { backupName, keptElsewhere } from "./backup-page.ts";
import { Maker } from "./maker.ts";
import { freshStandby } from "./standby.ts";
import { coordinatorName } from "./update-page.ts";

/** The points of "Restore" in docs/backup-restore.md, each with the page's own blocks. */
const heading = "## Restore";
/** The page says about a minute. */
export const BACK_MS = 75_000;

/** Point 1, on a machine that nothing was ever on, and the files of point 2; its coordinator still runs. */
export async function newMachine(lab: BareLab): Promise<BareLab> {
  const moved = await freshStandby(lab);
  const version = "0.2.0";
  const coordinator = new Maker(lab.config).archive("fettle-coordinator", version);
  await installCoordinator(
    { ...moved, releases: { ...lab.releases, version, coordinator } },
    ` --name ${coordinatorName}`,
  );
  for (const file of ["fettle.age", "backup-passphrase", "apart.age", "pki"])
    await copyIn(moved.coordinator, join(keptElsewhere(lab), file), "/root");
  return moved;
}

export async function stopCoordinator({ coordinator }: BareLab): Promise<void> {
  await coordinator.run(["sh", "-ec", blockThat(backupName, heading, "systemctl stop fettle-coordinator")]);
}

/** Point 2; gives what it said. */
export function restore({ coordinator }: BareLab, file = "fettle.age", more = ""): Promise<string> {
  const block = blockThat(backupName, heading, "fettle coordinator restore").replace("fettle.age", file);
  return typed(coordinator, `${block.trimEnd()}${more}`);
}

/** Point 3. */
export async function startAndLook({ coordinator, fettle }: BareLab): Promise<void> {
  const [start = "", look = ""] = blockThat(backupName, heading, "systemctl start fettle-coordinator").split("\n");
  await typed(coordinator, start);
  await fettle.start();
  await typed(coordinator, look);
}

export async function allBack({ fettle }: BareLab): Promise<string> {
  const { seconds } = await timed(() =>
    until("all agents to be back", BACK_MS, async () => {
      const { nodes } = await fettle.call(nodesRoute, { query: {} });
      return (nodes.length === 3 && nodes.every(({ connection }) => connection === "connected")) || undefined;
    }),
  );
  return `all agents are back after ${seconds.toFixed(1)} s`;
}

/** Point 5. */
export function look({ coordinator }: BareLab): Promise<string> {
  return typed(coordinator, blockThat(backupName, heading, "fettle diff"));
}

/** Points 6 and 7. */
export async function enforceAndBackUp(moved: BareLab): Promise<string> {
  const { coordinator, config } = moved;
  await writeFile(coordinator, "/root/stack.yaml", stackText(config));
  await typed(coordinator, blockThat(backupName, heading, "fettle apply -f stack.yaml"));
  const said = await settled(moved);
  const file = await typed(coordinator, blockThat(backupName, heading, "install -m 600 backup-passphrase"));
  assert.match(file, /^\/root\/fettle-restored\.age$/m);
  return `${said}; ${file}`;
}

/** As root in its home folder. */
export function typed(host: Host, block: string): Promise<string> {
  return host.run(["sh", "-ec", `cd /root\n${block}`], { timeoutMs: 620_000 });
}

import assert from "node:assert/strict";
import { parse } from "yaml";
import type { BareLab } from "../bare/bare-lab.ts";
import { blocksOf, blockThat, quotedThat } from "../bare/page.ts";
import { type AgentYaml, editAgentYaml } from "../fettle/agent-yaml.ts";
import type { Host } from "../host.ts";
import { hostsOf } from "../steps/hosts.ts";
import { until } from "../until.ts";
import { backupName } from "./backup-page.ts";
import {
  allBack,
  BACK_MS,
  enforceAndBackUp,
  newMachine,
  restore,
  startAndLook,
  stopCoordinator,
  typed,
} from "./restore-points.ts";
import { moveName } from "./standby.ts";
import { coordinatorName } from "./update-page.ts";

/**
 * The restored machine is lost before it was backed up. One more new machine has an address that no agent knows, and the
 * backup's next epoch is the one that they obey already.
 */
export async function restoredTwice(lab: BareLab): Promise<string> {
  const moved = await newMachine(lab);
  await moveName(lab.config, coordinatorName, "fettle-1", lab.ollama);
  await stopCoordinator(moved);
  // From the backup without the CA, with the folder that was kept apart.
  await restore(
    moved,
    "apart.age",
    quotedThat(backupName, "## The CA apart", "--pki").replace(/^(--pki) FOLDER$/, " $1 /root/pki"),
  );
  await startAndLook(moved);
  for (const host of hostsOf(lab)) await addAddress(host, moved.coordinator.address);
  const refusal = await untilRefused(lab.ollama);
  await stopCoordinator(moved);
  const block = blockThat(backupName, "## When something is refused", "fettle coordinator restore");
  assert.match(await typed(moved.coordinator, block), /now epoch 3/);
  await startAndLook(moved);
  const back = await allBack(moved);
  return `${refusal}\n${back}\n${await enforceAndBackUp(moved)}`;
}

/** The page's example has other addresses. */
async function addAddress(host: Host, address: string): Promise<void> {
  const [block = ""] = blocksOf(backupName, "## Restore", "yaml");
  const { coordinators } = parse(block) as AgentYaml;
  const added = String(coordinators.at(-1)).replace(/^[\d.]+/, address);
  await editAgentYaml(host, (settings) => ({ ...settings, coordinators: [...settings.coordinators, added] }));
}

/** Until the machine's own status says `link.fenced`; gives those lines. */
export function untilRefused(host: Host): Promise<string> {
  return until(`${host.name} to refuse the coordinator`, BACK_MS, async () => {
    const lines = (await host.exec(["fettle-agent", "status"])).stdout.split("\n");
    const at = lines.findIndex((line) => line.includes("link.fenced"));
    return at < 0 ? undefined : lines.slice(at - 1, at + 2).join("\n");
  });
}

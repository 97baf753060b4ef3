import assert from "node:assert/strict";
import { modelRemoved } from "../drifts/model-removed.ts";
import { worldAsDeclared } from "../drifts/world.ts";
import { agentUnit } from "../fettle/agent.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import type { Host } from "../host.ts";
import { allUpdate } from "../update/good-update.ts";
import type { BareStep } from "./bare-lab.ts";
import { agents, allowStandIn, arrival, install, installCoordinator } from "./install-steps.ts";
import { blocksOf } from "./page.ts";
import { settled } from "./settled.ts";
import { leftOf, uninstall } from "./uninstall-steps.ts";

/** Three machines and no fourth: the coordinator stands on one of the stack's. */
export const sharedSteps: BareStep[] = [
  ...arrival,
  ...agents,
  {
    name: "one machine for both: it reboots, and all is back in sync",
    async run(lab) {
      await lab.coordinator.reboot();
      return settled(lab);
    },
  },
  { name: "one machine for both: an update of all agents from there", run: allUpdate },
  {
    name: "one machine for both: the coordinator's script run again leaves the agent alone",
    async run(lab) {
      const before = await mainPids(lab.coordinator);
      await installCoordinator(lab);
      assert.deepEqual(await mainPids(lab.coordinator), before);
    },
  },
  {
    name: "one machine for both: the agent uninstalled and installed again, the coordinator runs on",
    async run(lab) {
      const [coordinatorPid] = await mainPids(lab.coordinator);
      await uninstall(lab.coordinator);
      assert.match(await lab.fettle.cli(["status"]), new RegExp(`${lab.coordinator.name}.*uninstalled`));
      assert.deepEqual(await lab.coordinator.run(["ls", "/etc/fettle"]), "coordinator.yaml");
      await install(lab, lab.coordinator);
      await allowStandIn(lab);
      assert.equal((await mainPids(lab.coordinator))[0], coordinatorPid);
      return settled(lab);
    },
  },
  {
    name: "one machine for both: docs/uninstall.md takes the coordinator off, and the agents keep their machines",
    async run(lab) {
      await lab.coordinator.run(["sh", "-ec", blocksOf("uninstall.md", "## The coordinator").join("")]);
      assert.equal(await lab.coordinator.run(["systemctl", "is-active", agentUnit]), "active");
      await modelRemoved.make(lab);
      await worldAsDeclared(lab, [modelRemoved], 60_000);
      for (const host of [lab.gitlab, lab.gateway, lab.ollama]) {
        const { said } = await uninstall(host, "--yes");
        assert.match(said, /fettle node remove/, "there is no coordinator to tell");
        assert.deepEqual(await leftOf(host), [], host.name);
      }
    },
  },
];

/** Of the coordinator and of the agent; a restart of either would show. */
async function mainPids(host: Host): Promise<string[]> {
  return [await host.mainPid(coordinatorUnit), await host.mainPid(agentUnit)];
}

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import { agentUnit } from "../fettle/agent.ts";
import { editAgentYaml } from "../fettle/agent-yaml.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import type { Host } from "../host.ts";
import { copyIn, copyOut } from "../host-files.ts";
import { hostsOf } from "../steps/hosts.ts";
import { addressAt } from "../subnet.ts";
import { until } from "../until.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { allowStandIn, install, named } from "./install-steps.ts";
import { blockThat } from "./page.ts";
import { settled } from "./settled.ts";

const later = "### Another address or name later";
/** Number in the network of the coordinator's second address. */
const SECOND = 9;

/** Who is who, when addresses, certificates or machines change. */
export const identitySteps: BareStep[] = [
  {
    name: "docs/install.md: the coordinator at another address; agents that know it come there, nobody enrols again",
    async run(lab) {
      const { coordinator } = lab;
      const second = addressAt(lab.config.subnet, SECOND);
      const before = await certificates(lab);
      await coordinator.run(["ip", "address", "replace", `${second}/24`, "dev", "eth0"]);
      for (const host of hostsOf(lab)) await knowsToo(host, second);
      const move = named(blockThat("install.md", later, "sudo sh install-coordinator.sh"), lab.releases);
      await coordinator.run(["sh", "-ec", `cd /root\n${move.replace("10.0.0.9", second)}`], { timeoutMs: 120_000 });
      assert.deepEqual(await listening(coordinator), [`${second}:7443`, `${second}:7444`]);
      await modelRemoved.make(lab);
      const said = await settled(lab);
      await coordinator.run(["fettle", "coordinator", "configure", "--listen", coordinator.address]);
      await coordinator.run(["systemctl", "restart", coordinatorUnit]);
      await settled(lab);
      assert.deepEqual(await certificates(lab), before, "each has the certificate that it had");
      return said;
    },
  },
  {
    name: "the CA rotated: every agent follows by itself and nothing stops",
    async run(lab) {
      const before = await rootOf(lab);
      await lab.fettle.cli(["ca", "rotate"]);
      await until("the rotation to end", 120_000, async () => {
        return (await lab.fettle.cli(["ca", "status"])).includes("no rotation is under way") || undefined;
      });
      assert.notEqual(await rootOf(lab), before);
      await modelRemoved.make(lab);
      return settled(lab);
    },
  },
  {
    name: "a copy of a machine: both only observe, until somebody says which one is the node",
    async run(lab) {
      await copyAgent(lab.ollama, lab.coordinator);
      try {
        await Promise.all([lab.coordinator, lab.ollama].map(untilObserving));
        await modelRemoved.make(lab);
        await sleep(5_000);
        assert.equal(await modelRemoved.healed(lab), false, "nothing is changed");
        const id = await lab.ollama.run(["cat", "/etc/machine-id"]);
        await lab.fettle.cli(["node", "readmit", "ollama-1", "--machine", id]);
        const said = await settled(lab);
        assert.match(await statusOf(lab.coordinator), /Only observing/, "the copy is nobody");
        const { code } = await lab.coordinator.exec(["sh", "-c", "command -v ollama || id ollama"]);
        assert.notEqual(code, 0, "it changed a machine that is not its own");
        return said;
      } finally {
        await removeCopy(lab.coordinator);
      }
    },
  },
  {
    name: "node remove cuts off at once; the printed line brings the machine back as it was",
    async run(lab) {
      await lab.fettle.cli(["node", "remove", "ollama-1"]);
      const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
      assert.equal(nodes.find(({ node }) => node === "ollama-1")?.connection, "never-seen");
      await install(lab, lab.ollama);
      await allowStandIn(lab);
      return settled(lab);
    },
  },
];

/** Gives the agent one more address of its coordinator, as the page says. */
function knowsToo(host: Host, address: string): Promise<void> {
  return editAgentYaml(host, (settings) => {
    return { ...settings, coordinators: [...settings.coordinators, `${address}:7444`] };
  });
}

async function listening(host: Host): Promise<string[]> {
  const printed = await host.run(["ss", "--no-header", "--listening", "--tcp", "--numeric", "sport", ">=", ":7443"]);
  const local = printed.split("\n").map((line) => line.trim().split(/\s+/)[3] ?? "");
  return local.filter((address) => /:744[34]$/.test(address)).sort();
}

function certificates(lab: BareLab): Promise<string[]> {
  const sums = "cd /var/lib/fettle-agent/identity && sha256sum *";
  return Promise.all(hostsOf(lab).map((host) => host.run(["sh", "-c", sums])));
}

async function rootOf(lab: BareLab): Promise<string> {
  return /^root\s+([0-9a-f]+)/m.exec(await lab.fettle.cli(["ca", "status"]))?.[1] ?? "";
}

async function untilObserving(host: Host): Promise<void> {
  await until(`${host.name} only to observe`, 30_000, async () => {
    return (await statusOf(host)).includes("Only observing") || undefined;
  });
}

async function statusOf(host: Host): Promise<string> {
  return (await host.exec(["fettle-agent", "status"])).stdout;
}

const parts = [
  ...["opt/fettle-agent", "var/lib/fettle-agent", "etc/fettle/agent.yaml", "usr/local/bin/fettle-agent"],
  ...[agentUnit, "fettle-agent-guard.service"].map((unit) => `etc/systemd/system/${unit}`),
];

/** As a disk that was copied and started under another machine's name. */
async function copyAgent(from: Host, to: Host): Promise<void> {
  const here = mkdtempSync(join(tmpdir(), "fettle-copy-"));
  await from.run(["tar", "-cf", "/root/copy.tar", "-C", "/", ...parts], { timeoutMs: 60_000 });
  await copyOut(from, "/root/copy.tar", here);
  await copyIn(to, join(here, "copy.tar"), "/root");
  rmSync(here, { recursive: true });
  await from.run(["rm", "/root/copy.tar"]);
  const start = `tar -xf copy.tar -C / && rm copy.tar && systemctl daemon-reload && systemctl start ${agentUnit}`;
  await to.run(["sh", "-ec", `cd /root && ${start}`]);
}

async function removeCopy(host: Host): Promise<void> {
  await host.exec(["systemctl", "stop", agentUnit]);
  await host.run(["sh", "-c", `cd / && rm -rf ${parts.join(" ")} && systemctl daemon-reload`]);
}

import assert from "node:assert/strict";
import { OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { nodesRoute } from "@fettle/shared/api/nodes.ts";
import { GATEWAY_CONTAINER, GATEWAY_PORT } from "@fettle/shared/roles/gateway.ts";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import type { Host } from "../host.ts";
import { answers } from "../outside-look.ts";
import { cut, heal } from "../partition.ts";
import { gitlabUnit } from "../products/gitlab-host.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { allowStandIn, install } from "./install-steps.ts";
import { blocksOf } from "./page.ts";
import { settled } from "./settled.ts";

/** What belongs to products, wherever Fettle made it. */
const products = ["/var/lib/fettle-gateway-keys", "/usr/local/lib/fettle-ollama", "zz-fettle.conf"];

export const uninstallSteps: BareStep[] = [
  {
    name: "uninstall leaves nothing of the agent and stops no product",
    async run(lab) {
      const before = await processes(lab);
      for (const host of [lab.gitlab, lab.gateway, lab.ollama]) {
        const { said } = await uninstall(host);
        assert.deepEqual(await leftOf(host), [], said);
      }
      assert.deepEqual(await processes(lab), before);
      assert.ok(await answers(lab, `http://${lab.gateway.address}:${GATEWAY_PORT}/monitoring/healthz`));
      assert.ok(await answers(lab, `http://${lab.ollama.address}:${OLLAMA_PORT}/api/version`));
      const { nodes } = await lab.fettle.call(nodesRoute, { query: {} });
      assert.deepEqual(
        nodes.map(({ connection }) => connection),
        ["uninstalled", "uninstalled", "uninstalled"],
      );
    },
  },
  {
    name: "installed again it finds everything as it was: the same container, the same processes, in sync",
    async run(lab) {
      const before = await processes(lab);
      await Promise.all([lab.gitlab, lab.gateway, lab.ollama].map((host) => install(lab, host)));
      await allowStandIn(lab);
      const said = await settled(lab);
      assert.deepEqual(await processes(lab), before);
      return said;
    },
  },
  {
    name: "--purge-config with the coordinator away: the gateway runs on, and what stops later was said before",
    async run(lab) {
      const before = await processes(lab);
      await cut(lab.gateway, lab.coordinator);
      try {
        const { said } = await uninstall(lab.gateway, "--purge-config");
        assert.match(said, /not started again/);
        assert.match(said, /fettle node remove gateway-1/);
      } finally {
        await heal(lab.gateway, lab.coordinator);
      }
      const restart = ["docker", "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", GATEWAY_CONTAINER];
      assert.equal(await lab.gateway.run(restart), "no");
      assert.deepEqual(await processes(lab), before);
      await lab.fettle.cli(["node", "remove", "gateway-1"]);
    },
  },
  {
    name: "uninstall killed at any moment: run again it ends, and the gateway runs on",
    async run(lab) {
      await install(lab, lab.gateway);
      // The keys went with the purge: with new ones comes another container.
      await settled(lab);
      const before = await processes(lab);
      const killed = "for s in 0.2 0.4 0.6 0.8 1; do timeout --signal KILL $s fettle-agent uninstall --yes; done; true";
      await lab.gateway.exec(["sh", "-c", killed], { timeoutMs: 60_000 });
      await lab.gateway.run(["sh", "-c", "if command -v fettle-agent; then fettle-agent uninstall --yes; fi"]);
      assert.deepEqual(await leftOf(lab.gateway), []);
      assert.deepEqual(await processes(lab), before);
    },
  },
  {
    name: "a broken program is taken off by the script that came with it; a half installation too",
    async run(lab) {
      await lab.ollama.run(["sh", "-c", "echo broken > /opt/fettle-agent/current/lib/fettle-agent.mjs"]);
      const { said } = await uninstall(lab.ollama);
      assert.match(said, /own program does not run/);
      assert.deepEqual(await leftOf(lab.ollama), [], said);
      assert.ok(await answers(lab, `http://${lab.ollama.address}:${OLLAMA_PORT}/api/version`));
    },
  },
  {
    name: "docs/uninstall.md as it stands there: the agent on GitLab's machine, then the coordinator",
    async run(lab) {
      const agent = blocksOf("uninstall.md", "## The agent, on one machine").slice(0, 2);
      await lab.gitlab.run(["sh", "-ec", agent.join("")], { timeoutMs: 240_000 });
      assert.deepEqual(await leftOf(lab.gitlab), []);
      await lab.coordinator.run(["sh", "-ec", blocksOf("uninstall.md", "## The coordinator").join("")]);
      assert.deepEqual(await leftOf(lab.coordinator), []);
    },
  },
];

export async function uninstall(host: Host, ...flags: string[]): Promise<{ said: string }> {
  return { said: await host.run(["fettle-agent", "uninstall", ...flags], { timeoutMs: 240_000 }) };
}

/** Files, users and units that remind of the agent. */
export async function leftOf(host: Host): Promise<string[]> {
  const look = `find / -xdev -iname '*fettle*' -not -path '/proc/*' -not -path '/tmp/*' -not -path '/root/fettle-coordinator-*' 2>/dev/null
systemctl list-units --all --no-legend --plain 'fettle*' | cut -d ' ' -f 1
systemctl list-unit-files --no-legend 'fettle*'
grep fettle /etc/passwd /etc/group || true
find /run -iname '*fettle*' 2>/dev/null`;
  const found = (await host.run(["sh", "-c", look])).split("\n").filter((line) => line !== "");
  return found.filter((line) => !products.some((part) => line.includes(part)));
}

/** Which processes the products are; a restart of any would show. */
async function processes({ gitlab, gateway, ollama }: BareLab): Promise<string[]> {
  return [
    await gitlab.mainPid(gitlabUnit),
    await ollama.mainPid(OLLAMA_UNIT),
    await gateway.run(["docker", "inspect", "--format", "{{.Id}} {{.State.Pid}}", GATEWAY_CONTAINER]),
  ];
}

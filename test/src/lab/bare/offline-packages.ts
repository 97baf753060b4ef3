import assert from "node:assert/strict";
import { statusRoute } from "@fettle/shared/api/status.ts";
import { timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { carried, carry, connectedMachine, follow, page } from "./carried.ts";
import { blockThat } from "./page.ts";

/** The gateway's machine has no Docker Engine, and reaches no packages. */
export const offlinePackages: BareStep[] = [
  {
    name: "no Docker Engine, and no packages to be had: gateway.docker is blocked and says so",
    needed: true,
    async run(lab) {
      const { value, seconds } = await timed(() => untilBlocked(lab));
      assert.equal(value.code, "gateway.docker.apt-unreachable", value.text);
      assert.match(value.remedy ?? "", /packages that you carry over/);
      return `after ${seconds.toFixed(1)} s: ${value.text}`;
    },
  },
  {
    name: "docs/offline.md 4: the carried packages; the agent sees the Engine within half a minute",
    needed: true,
    async run(lab) {
      const packages = `${carried}/packages`;
      await carry(connectedMachine(lab.config), lab.gateway, packages);
      const block = blockThat(page, "## 4. The machines", "sudo apt-get install");
      await follow(lab.gateway, [block], packages, 300_000);
      const { seconds } = await timed(() => until("the Engine to be seen", 30_000, () => seen(lab)));
      return `seen after ${seconds.toFixed(1)} s`;
    },
  },
];

function untilBlocked(lab: BareLab) {
  return until("gateway.docker to be blocked", 300_000, async () => {
    const { people } = await lab.fettle.call(statusRoute, { query: {} });
    return people.find(({ where }) => where === "gateway-1/gateway.docker");
  });
}

async function seen(lab: BareLab): Promise<true | undefined> {
  const { people, changing, rest } = await lab.fettle.call(statusRoute, { query: {} });
  return [...people, ...changing, ...rest].every(({ where }) => where !== "gateway-1/gateway.docker") || undefined;
}

import assert from "node:assert/strict";
import { zoneOf } from "../layout.ts";
import { withCoordinator } from "./coordinator.ts";
import { onEach } from "./hosts.ts";
import type { Step } from "./step.ts";

export const network: Step[] = [
  {
    name: "the lab's names resolve in each host, and no others do",
    async run(lab) {
      for (const [name, address] of Object.entries(zoneOf(lab.config.subnet))) {
        const answers = await onEach(lab, async (host) => (await host.run(["getent", "ahostsv4", name])).split(" ")[0]);
        assert.deepEqual([...new Set(answers)], [address], name);
      }
      const strangers = await onEach(lab, async (host) => (await host.exec(["getent", "hosts", "example.org"])).code);
      assert.deepEqual(strangers, [2, 2, 2]);
    },
  },
  {
    name: "each host has its declared address and no way out of the lab",
    async run(lab) {
      const addresses = await onEach(lab, (host) => host.run(["ip", "-brief", "-4", "address", "show", "eth0"]));
      [lab.gitlab, lab.gateway, lab.ollama].forEach((host, index) => {
        assert.ok(addresses[index]?.includes(`${host.address}/`), addresses[index]);
      });
      assert.deepEqual(await onEach(lab, (host) => host.run(["ip", "route", "show", "default"])), ["", "", ""]);
    },
  },
  {
    name: "each host reaches the coordinator's address on the machine",
    async run(lab) {
      await withCoordinator(lab, async (url) => {
        const answers = await onEach(lab, (host) => host.run(["curl", "-sS", "--max-time", "5", url]));
        assert.deepEqual(answers, ["coordinator", "coordinator", "coordinator"]);
      });
    },
  },
];

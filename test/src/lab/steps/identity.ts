import assert from "node:assert/strict";
import { onEach } from "./hosts.ts";
import type { Step } from "./step.ts";

export const identity: Step[] = [
  {
    name: "systemd is the first process of each host and no unit has failed",
    async run(lab) {
      assert.deepEqual(await onEach(lab, (host) => host.run(["cat", "/proc/1/comm"])), Array(3).fill("systemd"));
      assert.deepEqual(await onEach(lab, (host) => host.waitUntilUp()), Array(3).fill("running"));
    },
  },
  {
    name: "each host has its own name, machine id and boot id",
    async run(lab) {
      for (const file of ["/etc/hostname", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"]) {
        const values = await onEach(lab, (host) => host.run(["cat", file]));
        assert.equal(new Set(values).size, 3, `${file}: ${values.join(" ")}`);
      }
    },
  },
];

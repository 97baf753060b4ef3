import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import { writeFile } from "../host-files.ts";
import { until } from "../until.ts";
import { probePort, removeProbe } from "./engine.ts";
import { onEach } from "./hosts.ts";
import type { Step } from "./step.ts";

export const reboot: Step[] = [
  {
    name: "a restarted host has a new boot id, its old machine id and disk, and starts its containers",
    async run({ gateway }) {
      const before = await remembered(gateway);
      await writeFile(gateway, "/var/lib/lab-probe", "kept");
      await writeFile(gateway, "/run/lab-probe", "gone");
      await gateway.restart();
      await assertRebooted(gateway, before);
      assert.equal(await gateway.run(["cat", "/var/lib/lab-probe"]), "kept");
      assert.notEqual((await gateway.exec(["test", "-e", "/run/lab-probe"])).code, 0);
      await until("the container to be up again", 20_000, async () => {
        const url = `http://${gateway.address}:${probePort}/`;
        return (await gateway.exec(["curl", "-sS", "--max-time", "1", url])).code === 0 ? true : undefined;
      });
      await removeProbe(gateway);
    },
  },
  {
    name: "a host that is told to reboot from within comes back by itself",
    async run({ ollama }) {
      const before = await remembered(ollama);
      await ollama.reboot();
      await assertRebooted(ollama, before);
    },
  },
];

export const manyRestarts: Step[] = [
  {
    name: "each host restarts ten times in a row, and comes back each time with no failed unit",
    async run(lab) {
      await onEach(lab, async (host) => {
        for (let round = 0; round < 10; round += 1) await host.restart();
        assert.equal(await host.waitUntilUp(), "running");
      });
    },
  },
];

type Remembered = { boot: string; machine: string };

async function remembered(host: Host): Promise<Remembered> {
  return { boot: await host.bootId(), machine: await host.run(["cat", "/etc/machine-id"]) };
}

async function assertRebooted(host: Host, before: Remembered): Promise<void> {
  const after = await remembered(host);
  assert.notEqual(after.boot, before.boot);
  assert.equal(after.machine, before.machine);
}

import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import type { Peer } from "../partition.ts";
import { cut, heal } from "../partition.ts";
import { answerPort, withAnswer } from "./answer.ts";
import { withCoordinator } from "./coordinator.ts";
import { probePort } from "./engine.ts";
import type { Step } from "./step.ts";

const timedOut = 28;

export const partition: Step[] = [
  {
    name: "a cut between two hosts swallows packets, also those for a container, and is healed",
    async run({ gitlab, gateway }) {
      await whileCut(gitlab, gateway, `http://${gateway.address}:${probePort}/`);
    },
  },
  {
    name: "a cut between a host and the coordinator swallows packets and is healed",
    async run(lab) {
      await withCoordinator(lab, (url) => whileCut(lab.ollama, lab.coordinator, url));
    },
  },
];

export const everyPartition: Step[] = [
  {
    name: "every pair of hosts is cut and healed, in both directions",
    async run(lab) {
      const ports = [lab.gitlab, lab.gateway, lab.ollama];
      for (const [from, to] of ports.flatMap((a) => ports.filter((b) => b !== a).map((b) => [a, b] as const))) {
        await withAnswer(to, () => whileCut(from, to, `http://${to.address}:${answerPort}/`));
      }
    },
  },
];

async function whileCut(host: Host, peer: Host | Peer, url: string): Promise<void> {
  const get = async () => (await host.exec(["curl", "-sS", "--output", "/dev/null", "--max-time", "1", url])).code;
  assert.equal(await get(), 0, "before the cut");
  await cut(host, peer);
  await cut(host, peer);
  try {
    assert.equal(await get(), timedOut, "while cut");
  } finally {
    await heal(host, peer);
  }
  await heal(host, peer);
  assert.equal(await get(), 0, "after the healing");
}

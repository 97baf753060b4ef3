import assert from "node:assert/strict";
import { OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import { drifts } from "../drifts/drifts.ts";
import { worldAsDeclared } from "../drifts/world.ts";
import { agentUnit } from "../fettle/agent.ts";
import { inSync } from "../fettle/in-sync.ts";
import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import { gitlabUnit } from "../products/gitlab-host.ts";
import { timed } from "../stopwatch.ts";
import { until } from "../until.ts";
import { hostsOf } from "./hosts.ts";
import type { Step } from "./step.ts";

export type Kill = { what: string; kill: (lab: Lab) => Promise<void> };

/** `kill -9` of every program; whoever starts it again is what starts it on a real machine. */
export const everyKill: Kill[] = [
  ...[0, 1, 2].map((index) => ({
    what: `agent ${index + 1} of 3`,
    kill: (lab: Lab) => killUnit(hostsOf(lab)[index], agentUnit),
  })),
  {
    what: "coordinator",
    kill: async ({ fettle }) => {
      await fettle.kill();
      await fettle.start();
    },
  },
  { what: "Ollama", kill: ({ ollama }) => killUnit(ollama, OLLAMA_UNIT) },
  { what: "GitLab", kill: ({ gitlab }) => killUnit(gitlab, gitlabUnit) },
  { what: "the gateway's process", kill: killGateway },
  { what: "the Docker Engine", kill: ({ gateway }) => killUnit(gateway, "docker.service") },
];

export const kills: Step[] = everyKill.map(killed);

function killed({ what, kill }: Kill): Step {
  return {
    name: `kill -9, and back in sync: ${what}`,
    async run(lab) {
      await kill(lab);
      const { seconds } = await timed(async () => {
        await worldAsDeclared(lab, drifts, 180_000);
        await inSync(lab, 180_000);
      });
      return `in sync after ${seconds.toFixed(1)} s`;
    },
  };
}

/** Kills the unit's main process and waits until there is another one. */
async function killUnit(host: Host | undefined, unit: string): Promise<void> {
  assert.ok(host);
  const pid = () => host.mainPid(unit);
  const before = await pid();
  await host.run(["kill", "-9", before]);
  await until(`another process of ${unit}`, 30_000, async () => {
    const now = await pid();
    return (now !== "0" && now !== before) || undefined;
  });
}

async function killGateway({ gateway }: Lab): Promise<void> {
  const pid = await gateway.run(["docker", "inspect", "--format", "{{.State.Pid}}", GATEWAY_CONTAINER]);
  await gateway.run(["kill", "-9", pid]);
}

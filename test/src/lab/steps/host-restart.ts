import { drifts } from "../drifts/drifts.ts";
import { worldAsDeclared } from "../drifts/world.ts";
import { inSync } from "../fettle/in-sync.ts";
import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import { timed } from "../stopwatch.ts";
import { hostsOf } from "./hosts.ts";
import type { Step } from "./step.ts";

export const hostRestart: Step[] = [
  {
    name: "a host that reboots comes back into sync",
    run: (lab) => rebooted(lab, lab.ollama),
  },
];

export const everyHostRestart: Step[] = [
  {
    name: "each host reboots and comes back into sync",
    async run(lab) {
      const lines: string[] = [];
      for (const host of hostsOf(lab)) lines.push(`${host.name}: ${await rebooted(lab, host)}`);
      return lines.join("\n");
    },
  },
];

async function rebooted(lab: Lab, host: Host): Promise<string> {
  const { seconds: down } = await timed(() => host.reboot());
  const { seconds: after } = await timed(async () => {
    await worldAsDeclared(lab, drifts, 180_000);
    await inSync(lab, 180_000);
  });
  return `up after ${down.toFixed(1)} s, in sync ${after.toFixed(1)} s later`;
}

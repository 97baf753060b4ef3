import { setTimeout as sleep } from "node:timers/promises";
import type { Drift } from "../drifts/drift.ts";
import { makeAll } from "../drifts/make-all.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import type { Host } from "../host.ts";
import { cut, heal } from "../partition.ts";
import { hostsOf } from "../steps/hosts.ts";
import { everyKill, type Kill } from "../steps/kills.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { assertRecordsKept, knownRuns } from "./records.ts";
import { settled } from "./settled.ts";

const names = ["gitlab-1", "gateway-1", "ollama-1", "fettle-1"] as const;

/** Each machine rebooted: back in sync by itself, and nothing lost in the records. */
export const rebootSteps: BareStep[] = names.map((name) => ({
  name: `${name} reboots, and all is back in sync`,
  run: (lab) => kept(lab, () => hostOf(lab, name).reboot()),
}));

/** The network between any two cut for so many seconds; Ollama loses its model meanwhile, so that there is work. */
export function cutSteps(durations: readonly number[]): BareStep[] {
  return durations.flatMap((seconds) =>
    pairs().map(([a, b]) => ({
      name: `${a} and ${b} cut off from each other for ${seconds} s`,
      run: (lab: BareLab) =>
        kept(lab, async () => {
          await cut(hostOf(lab, a), hostOf(lab, b));
          try {
            await modelRemoved.make(lab);
            await sleep(seconds * 1000);
          } finally {
            await heal(hostOf(lab, a), hostOf(lab, b));
          }
        }),
    })),
  );
}

/** `kill -9` of each program in the middle of what several drifts at once make it do. */
export function killSteps(made: readonly Drift[]): BareStep[] {
  return everyKill.map(({ what, kill }: Kill, index) => ({
    name: `kill -9 at work: ${what}`,
    run: (lab) =>
      kept(lab, async () => {
        await makeAll(lab, made);
        // Each at another moment of the work.
        await sleep(300 + 250 * index);
        await kill(lab);
      }),
  }));
}

async function kept(lab: BareLab, disturb: () => Promise<void>): Promise<string> {
  const before = await knownRuns(lab);
  await disturb();
  const said = await settled(lab);
  return `${said}, ${await assertRecordsKept(lab, before)}`;
}

function pairs(): [(typeof names)[number], (typeof names)[number]][] {
  return names.flatMap((a, index) => names.slice(index + 1).map((b): [typeof a, typeof b] => [a, b]));
}

function hostOf(lab: BareLab, name: (typeof names)[number]): Host {
  return [...hostsOf(lab), lab.coordinator].find((host) => host.name === name) ?? lab.coordinator;
}

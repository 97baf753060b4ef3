import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import { modelRemoved } from "../drifts/model-removed.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import type { Host } from "../host.ts";
import { cut, heal } from "../partition.ts";
import { until } from "../until.ts";
import type { BareLab, BareStep } from "./bare-lab.ts";
import { knownRuns } from "./records.ts";
import { settled } from "./settled.ts";

const agentsPort = 7444;

/** The coordinator gives so little of the mirror at a time that 3 MB take some 15 s. */
async function slow({ coordinator }: BareLab): Promise<() => Promise<string>> {
  const rules = `table ip lab_slow {
  chain leaving { type filter hook output priority 0; tcp sport ${agentsPort} limit rate over 200 kbytes/second burst 20 kbytes drop; }
}
`;
  await coordinator.run(["nft", "--file", "-"], { input: rules });
  return () => coordinator.run(["nft", "delete", "table", "ip", "lab_slow"]);
}

/** Ollama has a model's file in part. */
async function untilHalf(ollama: Host): Promise<void> {
  await until("a model to be here in part", 60_000, async () => {
    const look = ["find", "/usr/share/ollama", "-name", "sha256-*-partial"];
    return (await ollama.run(look)) !== "" || undefined;
  });
}

/** In the middle of a model `away` takes the coordinator away, for a while. */
async function pauses(lab: BareLab, away: (lab: BareLab) => Promise<() => Promise<unknown>>): Promise<string> {
  const before = await knownRuns(lab);
  const quick = await slow(lab);
  try {
    await modelRemoved.make(lab);
    await untilHalf(lab.ollama);
    await sleep(3000);
    const back = await away(lab);
    await sleep(12_000);
    await untilHalf(lab.ollama);
    await back();
  } finally {
    await quick();
  }
  const said = await settled(lab);
  const { runs } = await lab.fettle.call(runsRoute, { query: { limit: 1000 } });
  const since = runs.filter(({ id, resource }) => !before.has(id) && resource.startsWith("ollama.model["));
  assert.deepEqual(
    since.map(({ outcome, code }) => ({ outcome, code })),
    [{ outcome: "repaired", code: null }],
    "one run, and no failure in it",
  );
  assert.equal(await lab.ollama.run(["find", "/usr/share/ollama", "-name", "*-partial*"]), "");
  return said;
}

export const offlineCuts: BareStep[] = [
  {
    name: "no internet: the coordinator stopped in the middle of a model is a pause",
    run: (lab) =>
      pauses(lab, async ({ coordinator, fettle }) => {
        await coordinator.run(["systemctl", "stop", coordinatorUnit]);
        return () => fettle.start();
      }),
  },
  {
    name: "no internet: the network cut in the middle of a model is a pause",
    run: (lab) =>
      pauses(lab, async ({ coordinator, ollama }) => {
        await cut(ollama, coordinator);
        return () => heal(ollama, coordinator);
      }),
  },
];

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { BareLab } from "../bare/bare-lab.ts";
import { agentUnit } from "../fettle/agent.ts";
import { coordinatorUnit } from "../fettle/host-coordinator.ts";
import { bring, releaseLike } from "./lab-releases.ts";
import { recorded, runningVersion, untilConnected, untilRecorded } from "./machine.ts";
import { assertBack, brokenRelease } from "./taken-back.ts";

const guardUnit = "fettle-agent-guard.service";
const TRIAL_MS = 90_000;

/** A good version gets its time again after the reboot; a broken one is taken back by the guard that came up with it. */
export async function rebootInTrial(lab: BareLab): Promise<string> {
  const before = await runningVersion(lab.ollama);
  await brokenRelease(lab, "0.3.4", "hangs");
  await lab.fettle.cli(["update", "--version", "0.3.4"]);
  await untilRecorded(lab.ollama, "0.3.4", "trial", TRIAL_MS);
  await sleep(3_000);
  await lab.ollama.reboot();
  assert.equal(await runningVersion(lab.ollama), "0.3.4", "the trial goes on after the reboot");
  return assertBack(lab, lab.ollama, "0.3.4", before, /not-connected/);
}

export async function guardKilled(lab: BareLab): Promise<string> {
  const before = await runningVersion(lab.ollama);
  await brokenRelease(lab, "0.3.5", "hangs");
  await lab.fettle.cli(["update", "--version", "0.3.5"]);
  await untilRecorded(lab.ollama, "0.3.5", "trial", TRIAL_MS);
  for (let times = 0; times < 5; times += 1) {
    await sleep(4_000);
    await lab.ollama.run(["systemctl", "kill", "--signal", "SIGKILL", guardUnit]);
  }
  return assertBack(lab, lab.ollama, "0.3.5", before, /not-connected/);
}

export async function coordinatorAway(lab: BareLab): Promise<string> {
  const before = await runningVersion(lab.ollama);
  await bring(lab, await releaseLike(lab, "0.3.6", () => undefined));
  await lab.fettle.cli(["update", "--version", "0.3.6"]);
  await untilRecorded(lab.ollama, "0.3.6", "trial", TRIAL_MS);
  await lab.coordinator.run(["systemctl", "stop", coordinatorUnit]);
  await untilRecorded(lab.ollama, "0.3.6", "rolled-back", 150_000);
  await lab.fettle.start();
  const said = await assertBack(lab, lab.ollama, "0.3.6", before, /not-connected/);
  await lab.fettle.cli(["update", "--version", "0.3.6", "--wait"], 600_000);
  assert.equal(await runningVersion(lab.ollama), "0.3.6");
  return said;
}

/** Over and over, from the moment that something of it is on disk; whatever is cut off is done again from there. */
export async function killedAtSwitch(lab: BareLab): Promise<string> {
  const lines: string[] = [];
  for (const [index, delayMs] of [0, 150, 400, 900, 2_500].entries()) {
    const version = `0.4.${index + 1}`;
    await bring(lab, await releaseLike(lab, version, () => undefined));
    await lab.fettle.cli(["update", "--version", version, "ollama-1"]);
    await untilSwitching(lab, version);
    await sleep(delayMs);
    await lab.ollama.run(["systemctl", "kill", "--signal", "SIGKILL", agentUnit]);
    const at = (await recorded(lab.ollama))?.state ?? "no record";
    await untilRecorded(lab.ollama, version, "done", 180_000);
    await untilConnected(lab, lab.ollama, version, 30_000);
    lines.push(`killed ${delayMs} ms after it began (${at}): ${version} runs`);
  }
  return lines.join("\n");
}

/** The record of this version is there before anything is switched. */
async function untilSwitching(lab: BareLab, version: string): Promise<void> {
  const look = `until grep -qs '"${version}"' /var/lib/fettle-agent/update.json; do sleep 0.05; done`;
  await lab.ollama.run(["timeout", "120", "sh", "-c", look], { timeoutMs: 130_000 });
}

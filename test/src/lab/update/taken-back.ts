import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BareLab, BareStep } from "../bare/bare-lab.ts";
import { agentUnit } from "../fettle/agent.ts";
import type { Host } from "../host.ts";
import { bring, releaseLike } from "./lab-releases.ts";
import { eventOf, runningVersion, untilConnected, untilRecorded } from "./machine.ts";

/** From the switch until the version before runs and is connected again. */
const BACK_MS = 120_000;

/** What a maker can get wrong and not see in `--version`, which a version has to answer before it is switched to. */
export const FAULTS = {
  exits: (folder: string, version: string) => writeFileSync(mainOf(folder), program(version, "process.exit(7)")),
  hangs: (folder: string, version: string) =>
    writeFileSync(mainOf(folder), program(version, "setInterval(() => {}, 1000)")),
  /** The database's native part, which only the running agent needs. */
  incomplete: (folder: string) => rmSync(join(folder, "lib/node_modules/better-sqlite3"), { recursive: true }),
  /** Its own unit starts nothing and is not tried again; its guard watches, and may put nothing back. */
  units: (folder: string) => {
    writeFileSync(join(folder, "units", agentUnit), "[Service]\nExecStart=/nowhere\n");
    const guard = join(folder, "units/fettle-agent-guard.service");
    writeFileSync(
      guard,
      readFileSync(guard, "utf8").replace(/^ReadWritePaths=.*$/m, "ReadWritePaths=/var/lib/fettle-agent"),
    );
  },
};

const mainOf = (folder: string) => join(folder, "lib/fettle-agent.mjs");

function program(version: string, otherwise: string): string {
  return `if (process.argv[2] === "--version") console.log("fettle-agent ${version}");\nelse ${otherwise};\n`;
}

export type Fault = keyof typeof FAULTS;

export async function brokenRelease(lab: BareLab, version: string, fault: Fault): Promise<void> {
  await bring(lab, await releaseLike(lab, version, (folder) => FAULTS[fault](folder, version)));
}

export function takenBack(what: string, version: string, fault: Fault, code: RegExp): BareStep {
  return {
    name: `a version that ${what}: taken back without hands within ${BACK_MS / 1000} s, with a record of why`,
    async run(lab) {
      const before = await runningVersion(lab.ollama);
      await brokenRelease(lab, version, fault);
      await lab.fettle.cli(["update", "--version", version]);
      await untilRecorded(lab.ollama, version, "trial", 90_000);
      return assertBack(lab, lab.ollama, version, before, code);
    },
  };
}

/** It comes back by itself in time; why is on the machine, in the coordinator's events and in the update's status. */
export async function assertBack(
  lab: BareLab,
  host: Host,
  version: string,
  before: string,
  code: RegExp,
): Promise<string> {
  const record = await untilRecorded(host, version, "rolled-back", BACK_MS + 30_000);
  assert.match(record.code ?? "", code);
  assert.equal(await runningVersion(host), before);
  await untilConnected(lab, host, before, 20_000);
  const took = record.at - record.startedAt;
  assert.ok(took <= BACK_MS, `${took} ms`);
  await eventOf(lab, host, "update.rolled-back", version);
  const status = await lab.fettle.cli(["update", "--status"]);
  assert.match(status, /ollama-1 .* failed/);
  assert.match(status, /gitlab-1 .* halted/, "nobody else is given it");
  return `${(took / 1000).toFixed(1)} s from the switch; ${record.reason?.slice(0, 160)}`;
}

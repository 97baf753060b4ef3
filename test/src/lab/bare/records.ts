import assert from "node:assert/strict";
import { runsRoute } from "@fettle/shared/api/runs.ts";
import type { Host } from "../host.ts";
import type { Lab } from "../lab.ts";
import { hostsOf } from "../steps/hosts.ts";
import { until } from "../until.ts";

const done = `const { DatabaseSync } = require("node:sqlite");
const journal = new DatabaseSync("/var/lib/fettle-agent/journal.db", { readOnly: true });
for (const { id } of journal.prepare("SELECT id FROM runs WHERE phase = 'done'").all()) console.log(id);`;

/** Ids of every run that the coordinator holds. */
export async function knownRuns(lab: Lab): Promise<Set<string>> {
  const { runs } = await lab.fettle.call(runsRoute, { query: { limit: 1000 } });
  return new Set(runs.map(({ id }) => id));
}

/** Nothing that was done is lost: each machine's own records are the coordinator's too, and none of `before` is gone. */
export async function assertRecordsKept(lab: Lab, before: ReadonlySet<string>): Promise<string> {
  let missing: string[] = [];
  await until("the records of every machine at the coordinator", 60_000, async () => {
    const known = await knownRuns(lab);
    const journals = await Promise.all(hostsOf(lab).map(journalOf));
    missing = [...before, ...journals.flat()].filter((id) => !known.has(id));
    return missing.length === 0 || undefined;
  }).catch((error: unknown) => assert.fail(`${String(error)}: ${missing.length} runs are missing at the coordinator`));
  return `${(await knownRuns(lab)).size} runs known`;
}

async function journalOf(host: Host): Promise<string[]> {
  const printed = await host.run(["/opt/fettle-agent/current/bin/node", "--no-warnings", "-e", done]);
  return printed.split("\n").filter((line) => line !== "");
}

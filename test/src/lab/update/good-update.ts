import assert from "node:assert/strict";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import type { BareLab } from "../bare/bare-lab.ts";
import { hostsOf } from "../steps/hosts.ts";
import { timed } from "../stopwatch.ts";
import { bring, GOOD, goodRelease } from "./lab-releases.ts";
import { runningVersion } from "./machine.ts";

export async function allUpdate(lab: BareLab): Promise<string> {
  await bring(lab, await goodRelease(lab));
  const { value: said, seconds } = await timed(() => lab.fettle.cli(["update", "--version", GOOD, "--wait"], 600_000));
  assert.match(said, /^to 0\.2\.0: ollama-1 first/);
  for (const host of hostsOf(lab)) assert.equal(await runningVersion(host), GOOD, host.name);
  const { events } = await lab.fettle.call(eventsRoute, { query: { limit: 1000 } });
  const done = events.filter(({ kind }) => kind === "update.done").map(({ node }) => node);
  assert.deepEqual([...done].sort(), ["gateway-1", "gitlab-1", "ollama-1"]);
  const again = await lab.fettle.cli(["update", "--version", GOOD, "--wait"]);
  assert.match(again, /every node runs 0\.2\.0 already/);
  return `three nodes in ${seconds.toFixed(1)} s`;
}

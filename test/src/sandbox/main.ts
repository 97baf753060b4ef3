import { parseArgs } from "node:util";
import { heal, inSync } from "./check.ts";
import { writeCommands } from "./commands.ts";
import { DRIFTS } from "./drifts.ts";
import { buildPrograms } from "./programs.ts";
import { Sandbox } from "./sandbox.ts";
import { howToBreak, watchStatus } from "./show.ts";

const { values } = parseArgs({ options: { check: { type: "boolean" }, json: { type: "boolean" } } });
const POLL_SECONDS = 5;
const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);

say("building");
const programs = await buildPrograms();
const sandbox = new Sandbox(programs, { gitlabPollSeconds: POLL_SECONDS });
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());

try {
  const startedAt = Date.now();
  say(`starting a coordinator, three machines and three agents on ${sandbox.layout.outside} and beside it`);
  say(`GitLab's settings are looked at every ${POLL_SECONDS} s here (60 s on a VM)`);
  await sandbox.start();
  process.exitCode = await (values.check ? check(startedAt) : show());
} catch (error) {
  if (!stop.signal.aborted) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
} finally {
  await sandbox.stop();
}

async function check(startedAt: number): Promise<number> {
  await inSync(sandbox);
  const converged = (Date.now() - startedAt) / 1000;
  say(`in sync from nothing after ${converged.toFixed(1)} s`);
  const drifts = [];
  for (const drift of DRIFTS) {
    const healing = await heal(sandbox, drift);
    drifts.push(healing);
    const { name, detected, repaired } = healing;
    say(`${name}: detected after ${detected.toFixed(2)} s, repaired and verified after ${repaired.toFixed(2)} s`);
  }
  if (values.json)
    process.stdout.write(`${JSON.stringify({ schema: "fettle.dev/sandbox-check/v1", converged, drifts })}\n`);
  return 0;
}

async function show(): Promise<number> {
  say(howToBreak(sandbox, writeCommands(sandbox, programs)));
  await watchStatus(sandbox, stop.signal, say);
  say("stopping");
  return 0;
}

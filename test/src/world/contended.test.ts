import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DROP_IN } from "@fettle/agent/resources/ollama/unit-file.ts";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import t from "tap";
import { startWorld } from "./world.ts";

const ID = "ollama.drop-in";
const LIMIT = 5;
const LOOK_ON_MS = 4_000;

const world = await startWorld(t);
const { sandbox } = world;
const path = join(sandbox.rootOf("ollama-1"), DROP_IN);
await world.inSync();
const ours = readFileSync(path, "utf8");
const theirs = ours.replace("OLLAMA_KEEP_ALIVE=-1", "OLLAMA_KEEP_ALIVE=5m");

/** Somebody's configuration management, which knows better a moment later each time. */
function fight(): () => void {
  const timer = setInterval(() => {
    if (readFileSync(path, "utf8") !== theirs) writeFileSync(path, theirs);
  }, 1_000);
  return () => clearInterval(timer);
}

async function repairs(): Promise<number> {
  const runs = await world.runs("ollama-1");
  return runs.filter(({ resource, outcome }) => resource === ID && outcome === "repaired").length;
}

async function contentions() {
  const { events } = await world.client.call(eventsRoute, { query: { node: "ollama-1", resource: ID, limit: 1000 } });
  return events.filter(({ code }) => code === "agent.contended");
}

t.test("two that want different things: it stops, and says so once", async (t) => {
  const first = await repairs();
  const stop = fight();
  t.teardown(stop);
  const found = await world.says("ollama-1", ID, "contended", 40_000);
  t.match(found.text, /5m/, "what was found");
  t.match(found.text, /-1/, "what is declared");
  t.equal((await repairs()) - first, LIMIT);
  await new Promise((resolve) => setTimeout(resolve, LOOK_ON_MS));
  t.equal((await repairs()) - first, LIMIT, "no more of them");
  t.equal(readFileSync(path, "utf8"), theirs);
  const told = await contentions();
  t.equal(told.length, 1, "one event");
  t.match(told[0]?.text, /5m.*-1|-1.*5m/s, "with both values");
  t.equal((await world.status()).word, "contended");
  await sandbox.agents["ollama-1"].stop();
  sandbox.agents["ollama-1"].start();
  await world.says("ollama-1", ID, "contended");
  t.equal((await repairs()) - first, LIMIT, "it knows that after a restart");
  stop();
});

t.test("repair tries again, and with the other one gone it holds", async (t) => {
  const before = await repairs();
  await sandbox.fettle(["repair", `ollama-1/${ID}`]);
  await world.inSync();
  t.equal((await repairs()) - before, 1);
  t.equal(readFileSync(path, "utf8"), ours);
});

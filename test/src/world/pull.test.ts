import { join } from "node:path";
import { OLLAMA_UNIT } from "@fettle/agent/resources/ollama/unit-file.ts";
import { runLogRoute } from "@fettle/shared/api/runs.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t from "tap";
import { modelRemoved } from "../sandbox/drifts.ts";
import { readState, setFaults } from "../stand-ins/control.ts";
import { compareRecords } from "./journal.ts";
import { unitsOf } from "./machines.ts";
import { startWorld } from "./world.ts";

const MODEL = "ollama.model[mistral:instruct]";
const TOTAL = 3_000_000;
/** Of each of the 16 parts that Ollama asks for at once. */
const PART_BYTES = 60_000;
const SLOW = { bytesPerSecond: 40_000 };
/** Four parts come to a standstill, the others are whole at once; only what is whole outlives Ollama. */
const STALLED = { stallAfterBytes: 50_000, times: 4 };
const PULL_MS = 40_000;

const world = await startWorld(t);
const { sandbox } = world;
const registry = join(sandbox.layout.folder, "registry.sock");
await world.inSync();
await setFaults(registry, SLOW);
await setFaults(join(sandbox.layout.folder, "ollama-1/ollama.sock"), { partBytes: PART_BYTES });

interface Seen {
  readonly path: string;
  readonly range?: string;
}

/** How many bytes of the weights were asked for since then. */
async function askedSince(before: number): Promise<number> {
  const { seen } = (await readState(registry)) as { seen: Seen[] };
  return seen.slice(before).reduce((sum, { range }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
    return to === undefined ? sum : sum + Number(to) - Number(from) + 1;
  }, 0);
}

async function requests(): Promise<number> {
  return ((await readState(registry)) as { seen: Seen[] }).seen.length;
}

/** The model is removed and its pull has come so far. */
async function pulling(share = 0.25): Promise<number> {
  const before = await requests();
  await modelRemoved.make(sandbox);
  await world.until("the pull goes on", PULL_MS, async () => {
    const { progress } = await world.resource("ollama-1", MODEL);
    return (progress?.doneBytes ?? 0) > share * TOTAL;
  });
  return before;
}

const here = () => world.until("the model is here", PULL_MS, () => modelRemoved.healed(sandbox));

t.test("a pull goes on without the coordinator and is told afterwards", async (t) => {
  const before = await pulling();
  await sandbox.coordinator.kill();
  await here();
  t.ok((await askedSince(before)) < 1.01 * TOTAL, "each byte once");
  sandbox.coordinator.start();
  await world.until("it answers", 20_000, async () => (await world.status()).word !== undefined);
  await world.inSync(70_000);
  const [run] = (await world.runs("ollama-1")).filter(({ resource }) => resource === MODEL);
  t.match(run, { outcome: "repaired", phase: "done" });
});

t.test("Ollama restarted in the middle: the pull is resumed", async (t) => {
  await setFaults(registry, STALLED);
  await pulling(0.6);
  await unitsOf(sandbox, "ollama-1").restart(OLLAMA_UNIT);
  const before = await requests();
  await here();
  t.ok((await askedSince(before)) < 0.5 * TOTAL, "where it had come to");
  await setFaults(registry, SLOW);
  await world.inSync();
});

t.test("the agent killed in the middle: the pull is resumed", async (t) => {
  await pulling();
  await sandbox.agents["ollama-1"].kill();
  const before = await requests();
  sandbox.agents["ollama-1"].start();
  await here();
  t.ok((await askedSince(before)) < 0.9 * TOTAL, "where it had come to");
  await world.inSync();
  const [, last] = (await world.runs("ollama-1")).filter(({ resource }) => resource === MODEL);
  t.match(last, { outcome: "interrupted" });
});

t.test("a pause in the middle gives the pull up, and its end resumes it", async (t) => {
  await pulling();
  await sandbox.fettle(["pause", `ollama-1/${MODEL}`, "--reason", "the line is needed"]);
  await world.says("ollama-1", MODEL, "paused");
  const before = await requests();
  await sandbox.fettle(["resume", `ollama-1/${MODEL}`]);
  await here();
  t.ok((await askedSince(before)) < 0.9 * TOTAL, "where it had come to");
  await world.inSync();
});

t.test("each pull is on record with how it ended", async (t) => {
  const { id } = must(
    (await world.runs("ollama-1")).find(({ resource }) => resource === MODEL),
    "a pull",
  );
  t.ok((await world.client.call(runLogRoute, { params: { id }, query: {} })).done);
  const records = await compareRecords(t, world);
  const outcomes = records["ollama-1"].filter(({ resource }) => resource === MODEL).map(({ outcome }) => outcome);
  for (const outcome of ["repaired", "failed", "interrupted", "aborted"] as const)
    t.ok(outcomes.includes(outcome), `${outcome}, of ${outcomes.join(", ")}`);
});

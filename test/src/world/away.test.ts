import t from "tap";
import { containerStopped, type Drift, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { NODES } from "../sandbox/layout.ts";
import { compareRecords } from "./journal.ts";
import { startWorld } from "./world.ts";

const HEAL_MS = 40_000;
const world = await startWorld(t);
const { sandbox } = world;
await world.inSync();

async function healed(...drifts: Drift[]): Promise<void> {
  for (const drift of drifts) await drift.make(sandbox);
  await Promise.all(
    drifts.map((drift) => world.until(`${drift.name} is healed`, HEAL_MS, () => drift.healed(sandbox))),
  );
}

t.test("the agents keep their machines while the coordinator is gone", async () => {
  await sandbox.coordinator.kill();
  await healed(ollamaHost, containerStopped, featureRemapped);
  await healed(modelRemoved);
});

t.test("the machine's own commands work without it", async (t) => {
  const status = JSON.parse(await sandbox.fettleAgent("ollama-1", ["status", "--json"]));
  t.match(status, { node: "ollama-1", mode: "enforce", link: { problem: { code: /^link\.(unreachable|closed)$/ } } });
  await world.until("the machine itself says in sync", HEAL_MS, async () => {
    const { word } = JSON.parse(await sandbox.fettleAgent("ollama-1", ["status", "--json"]));
    return word === "in-sync";
  });
});

t.test("an agent that starts while it is gone knows what to do", async () => {
  for (const node of NODES) await sandbox.agents[node].stop();
  await containerStopped.make(sandbox);
  await modelRemoved.make(sandbox);
  for (const node of NODES) sandbox.agents[node].start();
  await Promise.all(
    [containerStopped, modelRemoved].map((drift) =>
      world.until(`${drift.name} is healed`, HEAL_MS, () => drift.healed(sandbox)),
    ),
  );
});

t.test("the coordinator is back: everything is told, once", async (t) => {
  sandbox.coordinator.start();
  await world.until("it answers", 20_000, async () => (await world.status()).word !== undefined);
  await world.inSync(70_000);
  const records = await compareRecords(t, world);
  const repaired = Object.values(records)
    .flat()
    .filter(({ outcome }) => outcome === "repaired");
  const count = (resource: string) => repaired.filter((run) => run.resource === resource).length;
  t.equal(count("gateway.container"), 3, "made once, started twice");
  t.equal(count("ollama.model[mistral:instruct]"), 3, "pulled three times");
  t.equal(count("gitlab.feature[DUO_CHAT]"), 2);
  t.ok(count("ollama.drop-in") >= 2);
});

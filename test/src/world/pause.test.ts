import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import t, { type Test } from "tap";
import { containerStopped, type Drift, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { NODES } from "../sandbox/layout.ts";
import { differences, snapshot } from "./machines.ts";
import { startWorld } from "./world.ts";

/** A model is removed while Ollama still answers where it should. */
const DRIFTS: readonly Drift[] = [modelRemoved, containerStopped, featureRemapped, ollamaHost];
const HEAL_MS = 40_000;
/** Several of GitLab's polls and of the loop's own times. */
const LOOK_ON_MS = 4_000;

// The same drift over and over is no fight here.
const world = await startWorld(t, { contention: "off" });
const { sandbox } = world;
const stackFile = join(sandbox.layout.folder, "stack.yaml");
await world.inSync();

/** Until each agent holds a desired state that says so. */
async function arrived(pattern: RegExp): Promise<void> {
  await world.until(`${pattern} has arrived`, 20_000, async () => {
    const path = "var/lib/fettle-agent/desired.json";
    return NODES.every((node) => pattern.test(readFileSync(join(sandbox.rootOf(node), path), "utf8")));
  });
}

/** Everything as declared; whether the chain answers is asked again at a pace of its own. */
async function healed(): Promise<void> {
  await Promise.all(
    DRIFTS.map((drift) => world.until(`${drift.name} is healed`, HEAL_MS, () => drift.healed(sandbox))),
  );
  await world.until("all is in sync", HEAL_MS, async () => {
    const resources = await world.resources();
    return resources.every(({ id, state }) => state === "in-sync" || id.startsWith("gitlab.answers"));
  });
}

/** Makes every drift and looks on: each is told with what differs, and nobody writes. */
async function onlyTold(t: Test, state: "paused" | "drifted", code: string): Promise<void> {
  const runs = (await world.runs()).length;
  for (const drift of DRIFTS) {
    await drift.make(sandbox);
    const [id = ""] = drift.repairs;
    const found = await world.says(drift.node, id, state);
    t.match(found, { code, changes: [{ what: String }] }, `${id} is ${state}`);
  }
  const before = await snapshot(sandbox);
  await t.rejects(sandbox.fettle(["repair", "gateway-1/gateway.container"]), "a repair is refused");
  await sandbox.agents["ollama-1"].kill();
  sandbox.agents["ollama-1"].start();
  await new Promise((resolve) => setTimeout(resolve, LOOK_ON_MS));
  t.strictSame(differences(before, await snapshot(sandbox)), [], "zero writes");
  t.equal((await world.runs()).length, runs, "no run");
}

t.test("paused at the coordinator", async (t) => {
  await sandbox.fettle(["pause", "--reason", "the auditors are here"]);
  await arrived(/the auditors are here/);
  await onlyTold(t, "paused", "agent.paused");
  await t.rejects(sandbox.fettle(["repair"]), "and of everything");
  await sandbox.fettle(["resume"]);
  await healed();
});

t.test("paused on the machines themselves", async (t) => {
  for (const node of NODES) await sandbox.fettleAgent(node, ["pause", "--reason", "I am working here"]);
  await onlyTold(t, "paused", "agent.paused-here");
  await t.rejects(sandbox.fettle(["resume", "gateway-1"]), "nobody else can end it");
  for (const node of NODES) await sandbox.fettleAgent(node, ["resume"]);
  await healed();
});

t.test("a stack that is only observed", async (t) => {
  const text = readFileSync(stackFile, "utf8");
  await sandbox.apply(text.replace("mode: enforce", "mode: observe"));
  await arrived(/"observe"/);
  await onlyTold(t, "drifted", "agent.observing");
  await sandbox.apply(text);
  await healed();
});

t.test("a pause with an end really ends", async (t) => {
  const pauses = [
    ["at the coordinator", () => sandbox.fettle(["pause", "gateway-1", "--reason", "for a moment", "--until", "6s"])],
    ["on the machine", () => sandbox.fettleAgent("gateway-1", ["pause", "--reason", "for a moment", "--until", "6s"])],
  ] as const;
  for (const [where, pause] of pauses) {
    const madeAt = Date.now();
    await pause();
    if (where === "at the coordinator")
      await world.until("it has arrived", 5_000, async () =>
        readFileSync(join(sandbox.rootOf("gateway-1"), "var/lib/fettle-agent/desired.json"), "utf8").includes(
          "a moment",
        ),
      );
    await containerStopped.make(sandbox);
    await world.says("gateway-1", "gateway.container", "paused");
    await world.until(`${where}: healed`, HEAL_MS, () => containerStopped.healed(sandbox));
    const lasted = (Date.now() - madeAt) / 1000;
    t.ok(lasted >= 5.9, `${where}: nothing for ${lasted.toFixed(1)} s`);
    t.ok(lasted < 12, "and then soon");
    await healed();
  }
  const { events } = await world.client.call(eventsRoute, { query: { limit: 1000 } });
  t.ok(
    events.some(({ kind, node }) => kind === "pause.ended" && node === "gateway-1"),
    "its end is told",
  );
});

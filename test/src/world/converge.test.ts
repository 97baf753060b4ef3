import { readFileSync } from "node:fs";
import { join } from "node:path";
import { applyRoute } from "@fettle/shared/api/apply.ts";
import t from "tap";
import { heal } from "../sandbox/check.ts";
import { containerStopped, type Drift, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { differences, snapshot } from "./machines.ts";
import { startWorld } from "./world.ts";

const world = await startWorld(t);
const { sandbox } = world;
await world.inSync();

t.test("from nothing, each resource is repaired once", async (t) => {
  const runs = await world.runs();
  t.strictSame(
    runs.filter(({ outcome }) => outcome !== "repaired").map(({ resource, text }) => `${resource}: ${text}`),
    [],
  );
  const names = runs.map(({ resource }) => resource);
  t.equal(new Set(names).size, names.length, "none twice");
  for (const kind of ["ollama.install", "ollama.model", "gateway.container", "gitlab.token", "gitlab.duo-settings"])
    t.ok(
      names.some((name) => name.startsWith(kind)),
      kind,
    );
});

t.test("nothing changes when nothing is wrong", async (t) => {
  const runs = await world.runs();
  const before = await snapshot(sandbox);
  const path = join(sandbox.layout.folder, "stack.yaml");
  t.match(await sandbox.fettle(["apply", "-f", path]), /nothing changed, still revision 1/);
  const body = { text: `# a word more\n${readFileSync(path, "utf8")}`, basedOn: 1 };
  t.match(await world.client.call(applyRoute, { body }), { changed: false, revision: 1 });
  // Everything is looked at, whatever its pace.
  await sandbox.fettle(["repair"]);
  await world.until("the GitLab VM has looked again", 10_000, async () => {
    const answers = await world.resource("gitlab-1", "gitlab.answers[mistral]");
    return answers.state === "in-sync";
  });
  for (const agent of Object.values(sandbox.agents)) await agent.stop();
  for (const agent of Object.values(sandbox.agents)) agent.start();
  await world.until("the agents are back", 20_000, async () => {
    const { nodes } = await world.status();
    return nodes.every(({ connection }) => connection === "connected");
  });
  await world.inSync();
  t.strictSame(differences(before, await snapshot(sandbox)), [], "zero writes, zero restarts");
  t.equal((await world.runs()).length, runs.length, "no run");
});

/** What a repair may touch besides what it mends. */
const TOUCHES: readonly (readonly [Drift, RegExp])[] = [
  [ollamaHost, /^ollama/],
  [modelRemoved, /^ollama/],
  [containerStopped, /^container/],
  [featureRemapped, /^gitlab writes/],
];

for (const [drift, touches] of TOUCHES) {
  t.test(`${drift.name}: repaired, and nothing else is touched`, async (t) => {
    const before = await snapshot(sandbox);
    const healing = await heal(sandbox, drift);
    t.ok(healing.detected < 5, `seen after ${healing.detected.toFixed(2)} s`);
    await world.inSync();
    const changed = differences(before, await snapshot(sandbox));
    t.strictSame(
      changed.filter((line) => !touches.test(line)),
      [],
    );
    t.ok(changed.length > 0, "the world did change meanwhile");
  });
}

t.test("no repair failed", async (t) => {
  // Removing a model unloads it first; what then loads it may find it gone.
  const failed = (await world.runs()).filter(({ outcome, resource }) => {
    return outcome !== "repaired" && !resource.startsWith("ollama.warm");
  });
  t.strictSame(
    failed.map(({ resource, text }) => `${resource}: ${text}`),
    [],
  );
});

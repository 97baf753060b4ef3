import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { apiTokenRoute, revokeApiTokenRoute } from "@fettle/shared/api/tokens.ts";
import t from "tap";
import { containerStopped, featureRemapped, ollamaHost } from "../sandbox/drifts.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { heldBy } from "./hand-coordinator.ts";
import { differences, snapshot } from "./machines.ts";
import { startWorld, World } from "./world.ts";

const BACK_MS = 40_000;
/** Several of GitLab's polls and of the loop's own times. */
const LOOK_ON_MS = 4_000;
const DRIFTS = [containerStopped, featureRemapped, ollamaHost];

const world = await startWorld(t);
const { sandbox } = world;
const { folder, outside } = sandbox.layout;
const second = sandbox.coordinatorAt("elsewhere", outside.replace(/\d+$/, "2"));
const restored = new World(sandbox, "elsewhere");
const [passphraseFile, backupFile] = [join(folder, "passphrase"), join(folder, "fettle.age")];
t.teardown(() => second.child.stop());

writeFileSync(passphraseFile, "correct horse battery staple\n", { mode: 0o600 });
await world.inSync();

/** As an operator does who means to be able to move: both addresses, in agent.yaml on each machine. */
async function knowBoth(): Promise<void> {
  for (const node of NODES) {
    const path = join(sandbox.rootOf(node), "etc/fettle/agent.yaml");
    const both = `["${outside}:7444", "${second.env.FETTLE_LISTEN_AGENTS}"]`;
    writeFileSync(path, readFileSync(path, "utf8").replace(/coordinators: .*/, `coordinators: ${both}`));
    await sandbox.agents[node].stop();
    sandbox.agents[node].start();
  }
}

/** Writes without end while `work` is done; how many of them went through. */
async function underLoad(work: () => Promise<unknown>): Promise<number> {
  let writes = 0;
  let isOver = false;
  const loads = ["one", "two", "three"].map(async (name) => {
    while (!isOver) {
      const { id } = await world.client.call(apiTokenRoute, { query: {}, body: { name, role: "viewer" } });
      await world.client.call(revokeApiTokenRoute, { params: { id } });
      writes += 1;
    }
  });
  await work();
  isOver = true;
  await Promise.all(loads);
  return writes;
}

/** Why the agent's last connection ended, as its own status says it. */
async function problemOf(node: NodeName): Promise<string | undefined> {
  return JSON.parse(await sandbox.fettleAgent(node, ["status", "--json"])).link.problem?.code;
}

t.test("a backup while it runs and is written to", async (t) => {
  await knowBoth();
  await world.inSync();
  const args = ["coordinator", "backup", "--to", backupFile, "--passphrase-file", passphraseFile];
  const writes = await underLoad(() => sandbox.fettle(args));
  t.ok(writes > 10, `${writes} writes went through meanwhile`);
  const key = readFileSync(join(folder, "coordinator/data/pki/ca.key"), "utf8").split("\n")[1] ?? "";
  t.notOk(readFileSync(backupFile).includes(key), "the CA's key cannot be read in it");
});

t.test("what happened after it: a newer stack, a repair that was asked for, a token", async (t) => {
  const stack = readFileSync(join(folder, "stack.yaml"), "utf8");
  await sandbox.apply(stack.replace("drain: 10m", "drain: 11m"));
  await world.until("the agent has it", 20_000, async () => heldBy(sandbox, "ollama-1").generation > 1);
  await sandbox.fettle(["repair", "ollama-1/ollama.service"]);
  await world.inSync();
  t.ok(heldBy(sandbox, "ollama-1").epoch === 1);
});

t.test("restored on another machine, every agent comes back by itself and only observes", async (t) => {
  await sandbox.coordinator.kill();
  const before = await snapshot(sandbox);
  const args = ["coordinator", "restore", "--from", backupFile, "--passphrase-file", passphraseFile, "--json"];
  const said = JSON.parse(await sandbox.fettle(args, second.env));
  t.match(said, { epoch: 2, stacks: [{ stack: "duo", revision: 2 }], nodes: [...NODES].sort() });
  const database = new DatabaseSync(join(folder, "elsewhere/data/fettle.db"));
  t.same({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
  database.close();
  second.child.start();
  await restored.until("the agents are back", BACK_MS, async () => {
    const { nodes } = await restored.status();
    return (
      nodes.length === NODES.length && nodes.every(({ connection, behind }) => connection === "connected" && !behind)
    );
  });
  await restored.inSync();
  for (const node of NODES)
    t.match(heldBy(sandbox, node), { epoch: 2, policy: { mode: "observe" }, retry: {}, approvals: [] });
  t.strictSame(differences(before, await snapshot(sandbox)), [], "nothing was done again on any machine");
  const runs = (await restored.runs()).length;
  for (const drift of DRIFTS) {
    await drift.make(sandbox);
    t.match(await restored.says(drift.node, drift.repairs[0] ?? "", "drifted"), { code: "agent.observing" });
  }
  const drifted = await snapshot(sandbox);
  await new Promise((resolve) => setTimeout(resolve, LOOK_ON_MS));
  t.strictSame(differences(drifted, await snapshot(sandbox)), [], "and nothing is repaired");
  t.equal((await restored.runs()).length, runs, "no run");
});

t.test("the old one, started again, is refused by every agent, and the agent says so", async (t) => {
  sandbox.coordinator.start();
  await world.until("the old one answers", 20_000, async () => (await world.status()) !== undefined);
  await second.child.stop();
  for (const node of NODES) {
    await world.until(`${node} refuses it`, BACK_MS, async () => (await problemOf(node)) === "link.fenced");
    t.match(heldBy(sandbox, node), { epoch: 2, policy: { mode: "observe" } }, "it obeys what it had");
  }
  const { nodes } = await world.status();
  t.ok(
    nodes.every(({ word }) => word !== "in-sync"),
    "the old one claims nothing to be in sync",
  );
  second.child.start();
  await restored.until("they are back at the new one", 90_000, async () => {
    const { nodes: back } = await restored.status();
    return back.every(({ connection }) => connection === "connected");
  });
  t.pass("while both run");
});

t.test("the operator enforces, and all is in sync", async (t) => {
  await sandbox.fettle(["apply", "-f", join(folder, "stack.yaml")], second.env);
  await restored.inSync(90_000);
  for (const drift of DRIFTS) t.ok(await drift.healed(sandbox), `${drift.name} is healed`);
  for (const node of NODES) t.match(heldBy(sandbox, node), { epoch: 2, policy: { mode: "enforce" } });
});

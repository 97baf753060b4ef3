import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GATEWAY_PORT } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { ask } from "../sandbox/ask.ts";
import { containerStopped, type Drift, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { endState } from "./end-state.ts";
import { compareRecords } from "./journal.ts";
import { engineAt } from "./machines.ts";
import { startWorld } from "./world.ts";

/** Each kind in the order in which it is repaired from nothing. */
const KINDS: Readonly<Record<NodeName, readonly string[]>> = {
  "ollama-1": [
    "ollama.install",
    "ollama.drop-in",
    "ollama.service",
    "ollama.model[mistral:instruct]",
    "ollama.warm[mistral:instruct]",
  ],
  "gateway-1": ["gateway.keys", "gateway.image", "gateway.container"],
  "gitlab-1": [
    "gitlab.token",
    "gitlab.seat[root]",
    "gitlab.model[mistral]",
    "gitlab.feature[DUO_CHAT]",
    "gitlab.duo-settings",
  ],
};
/** Before anything is done, and when it is done but not looked at. */
const PHASES = ["intended", "applying", "checking"];
/**
 * Ms after the beginning of what takes longer. Not for image and container: the Engine goes on with what it was asked
 * for when its asker died, and then there is nothing left to be checked.
 */
const MIDDLES: Readonly<Record<string, readonly number[]>> = {
  "ollama.install": [30, 200],
  "ollama.model[mistral:instruct]": [30],
  "gitlab.token": [50, 250],
};
const DRIFTS: Readonly<Record<NodeName, readonly Drift[]>> = {
  "ollama-1": [ollamaHost, modelRemoved],
  "gateway-1": [containerStopped],
  "gitlab-1": [featureRemapped],
};
const DEATH_MS = 60_000;

function pointsOf(node: NodeName): string[] {
  return KINDS[node].flatMap((kind) => {
    const middles = (MIDDLES[kind] ?? []).map((ms) => `applying+${ms}`);
    return [...PHASES, ...middles].map((phase) => `${phase}:${kind}`);
  });
}

const undisturbed = await startWorld(t);
await undisturbed.inSync();
const expected = await endState(undisturbed.sandbox);
await undisturbed.sandbox.stop();

const dying = (points: Iterable<string>) => ({ FETTLE_SANDBOX_DIE_AT: [...points].join(" ") });
const world = await startWorld(t, {
  agents: Object.fromEntries(NODES.map((node) => [node, dying(pointsOf(node))])),
});
const { sandbox } = world;

/** Starts the agent again and again until it came past every point or is in sync; the points where it did not die. */
async function killEverywhere(node: NodeName): Promise<string[]> {
  const agent = sandbox.agents[node];
  const left = new Set(pointsOf(node));
  for (let startedAt = 0; left.size > 0; startedAt = Date.now()) {
    if (startedAt > 0) agent.start(dying(left));
    const end = await world.until(`${node} dies, or is in sync`, DEATH_MS, async () => {
      if (!agent.running) return "died";
      const { connection, seenAt, word } = await world.node(node);
      return connection === "connected" && (seenAt ?? 0) > startedAt && word === "in-sync" ? "in-sync" : false;
    });
    if (end === "in-sync") return [...left];
    left.delete(/died at (.+)\n$/.exec(agent.tail())?.[1] ?? "nowhere");
  }
  agent.start();
  return [];
}

const passed = (await Promise.all(NODES.map(killEverywhere))).flat();

t.test("killed at every phase of every kind, it comes to the same end", async (t) => {
  const missed = passed.filter((point) => !point.startsWith("applying+"));
  // Several kinds are at work at once: the death of one may meet another when it is done and not yet looked at.
  t.ok(missed.every((point) => point.startsWith("checking:")) && missed.length <= 2, `left out: ${missed.join(", ")}`);
  await world.inSync();
  t.strictSame(await endState(sandbox), expected);
});

t.test("killed when a repair is booked, the repair stands", async (t) => {
  const healed = NODES.map(async (node) => {
    for (const drift of DRIFTS[node]) {
      await sandbox.agents[node].stop();
      sandbox.agents[node].start(dying([`done:${drift.repairs[0]}`]));
      await world.until("it is back", 20_000, async () => (await world.node(node)).connection === "connected");
      await drift.make(sandbox);
      await world.until(`${node} dies`, DEATH_MS, async () => !sandbox.agents[node].running);
      sandbox.agents[node].start();
      await world.until("it is healed", DEATH_MS, () => drift.healed(sandbox));
    }
  });
  await Promise.all(healed);
  await world.inSync();
  t.strictSame(await endState(sandbox), expected);
});

t.test("killed in the middle of a swap, it is finished or undone, and then made", async (t) => {
  const path = join(sandbox.layout.folder, "stack.yaml");
  const text = readFileSync(path, "utf8");
  const swaps = [
    ["bypass", 20],
    ["jwt", 60],
    ["bypass", 150],
    ["jwt", 400],
  ] as const;
  const agent = sandbox.agents["gateway-1"];
  for (const [auth, ms] of swaps) {
    await agent.stop();
    agent.start(dying([`applying+${ms}:gateway.container`]));
    await sandbox.apply(text.replace("auth: jwt", `auth: ${auth}`));
    await world.until(`the agent dies after ${ms} ms`, DEATH_MS, async () => !agent.running);
    agent.start();
    const wanted = auth === "jwt" ? 401 : 404;
    await world.until(`auth is ${auth}`, DEATH_MS, async () => (await withoutToken()) === wanted);
    await world.inSync();
    const names = (await engineAt(sandbox, "GET", "/containers/json?all=true")).text.match(/"Names":\[[^\]]*\]/g);
    t.strictSame(names, ['"Names":["/fettle-gateway"]'], `${ms} ms: nothing is left over`);
  }
  t.strictSame(await endState(sandbox), expected);
});

/** What a request without a token gets from the gateway. */
async function withoutToken(): Promise<number> {
  const host = sandbox.layout.addresses["gateway-1"];
  return (await ask({ host, port: GATEWAY_PORT, method: "GET", path: "/" })).status;
}

t.test("each death is on record, none is lost and none is told twice", async (t) => {
  const records = await compareRecords(t, world);
  for (const node of NODES) {
    for (const kind of KINDS[node]) {
      const interrupted = records[node].filter(
        ({ resource, outcome }) => resource === kind && outcome === "interrupted",
      );
      const phases = interrupted.map(({ reason }) => reason ?? "");
      for (const phase of PHASES.filter((one) => !passed.includes(`${one}:${kind}`)))
        t.ok(
          phases.some((reason) => reason.includes(phase)),
          `${kind} was interrupted while ${phase}`,
        );
    }
  }
});

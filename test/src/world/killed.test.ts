import t from "tap";
import { containerStopped, type Drift, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { endState } from "./end-state.ts";
import { compareRecords } from "./journal.ts";
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
 * Ms after the beginning of what takes longer. Not for the image: the Engine goes on with a pull whose asker died, and
 * then there is nothing left to be checked.
 */
const MIDDLES: Readonly<Record<string, readonly number[]>> = {
  "ollama.install": [30, 200],
  "ollama.model[mistral:instruct]": [30],
  "gateway.container": [5, 30],
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
  t.strictSame(
    passed.filter((point) => !point.startsWith("applying+")),
    [],
    "no phase was left out",
  );
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

t.test("each death is on record, none is lost and none is told twice", async (t) => {
  const records = await compareRecords(t, world);
  for (const node of NODES) {
    for (const kind of KINDS[node]) {
      const interrupted = records[node].filter(
        ({ resource, outcome }) => resource === kind && outcome === "interrupted",
      );
      const phases = interrupted.map(({ reason }) => reason ?? "");
      for (const phase of PHASES)
        t.ok(
          phases.some((reason) => reason.includes(phase)),
          `${kind} was interrupted while ${phase}`,
        );
    }
  }
});

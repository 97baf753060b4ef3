import { firstUseCases } from "@fettle/agent/policy/first-use-cases.ts";
import { goodGateway, goodGitlab, goodOllama } from "@fettle/agent/policy/good-params.ts";
import type { HostileCase } from "@fettle/agent/policy/hostile-case.ts";
import { hostileCases } from "@fettle/agent/policy/hostile-cases.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import { RESOURCE_ID } from "@fettle/shared/protocol/names.ts";
import t from "tap";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import { HandCoordinator, heldBy } from "./hand-coordinator.ts";
import { differences, snapshot } from "./machines.ts";
import { startWorld } from "./world.ts";

const world = await startWorld(t);
const { sandbox } = world;
const { addresses } = sandbox.layout;
await world.inSync();
await sandbox.coordinator.stop();
const coordinator = new HandCoordinator(sandbox);
await coordinator.listen();
t.teardown(() => coordinator.close());
for (const node of NODES)
  await world.until(`${node} took it for its coordinator`, 60_000, async () => coordinator.connected(node));
const before = await snapshot(sandbox);
const good = Object.fromEntries(NODES.map((node) => [node, heldBy(sandbox, node).roles])) as Record<
  NodeName,
  Record<string, object>
>;

/** The addresses of the cases' machines are this sandbox's. */
function here<T>(value: T): T {
  const places = [
    [goodGitlab.address, addresses["gitlab-1"]],
    [goodGateway.address, addresses["gateway-1"]],
    [goodOllama.address, addresses["ollama-1"]],
  ] as const;
  const text = JSON.stringify(value);
  return JSON.parse(places.reduce((rest, [from, to]) => rest.replaceAll(from, to), text)) as T;
}

/** Those that hang on what the agent remembers of its first use are real here; the others need another machine. */
const needsAnotherMachine = (one: HostileCase) =>
  firstUseCases.includes(one) && (one.facts?.paths !== undefined || one.facts?.gitlabHost !== undefined);
const cases = hostileCases.filter((one) => !needsAnotherMachine(one)).map(here);

t.test("a role that the machine was not enrolled with is blocked, whatever its parameters", async (t) => {
  const roles = { ...good["gateway-1"], ollama: here(goodOllama) };
  const { desired, resources } = await coordinator.desire("gateway-1", roles);
  t.equal(desired?.state, "accepted");
  const foreign = resources.filter(({ id }) => id.startsWith("ollama."));
  t.ok(foreign.length > 2);
  for (const { id, state, code } of foreign)
    t.match({ state, code }, { state: "blocked", code: "policy.role-not-enrolled" }, id);
  await coordinator.desire("gateway-1", good["gateway-1"]);
  t.strictSame(differences(before, await snapshot(sandbox)), [], "nothing was written");
});

t.test(`${cases.length} parameters outside local policy: each blocked with its code, nothing written`, async (t) => {
  t.ok(cases.length >= 40);
  const byNode = NODES.map(async (node) => {
    for (const { name, role, params, id, code } of cases.filter((one) => `${one.role}-1` === node)) {
      const roles = { [role]: { ...good[node][role], ...params } };
      const { desired, resources } = await coordinator.desire(node, roles);
      // What could not be reported under its name is not taken at all.
      if (!RESOURCE_ID.test(id)) {
        t.match(desired, { state: "rejected", code: "agent.too-old" }, name);
        continue;
      }
      t.equal(desired?.state, "accepted", `${name}: taken as it is`);
      t.match(
        resources.find((one) => one.id === id),
        { state: "blocked", code },
        name,
      );
    }
  });
  await Promise.all(byNode);
  t.strictSame(differences(before, await snapshot(sandbox)), [], "zero writes, zero restarts");
});

const frame = (type: string, body: unknown) => JSON.stringify({ v: 1, type, id: "1", body });
const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;

/** Each ends its connection; a frame about what the node holds is made from that. */
const FRAMES: readonly (readonly [string, NodeName, (held: Desired) => string | Buffer])[] = [
  ["not JSON", "gitlab-1", () => "{"],
  ["binary", "gateway-1", () => Buffer.alloc(100, 1)],
  ["nested without end", "ollama-1", () => `{"v":1,"type":"desired","id":"1","body":${deep}}`],
  ["over a MiB", "gitlab-1", () => frame("desired", "x".repeat(1_100_000))],
  ["a wrong type", "gateway-1", (held) => frame("desired", { ...held, roles: "all" })],
  ["another epoch than it welcomed with", "ollama-1", (held) => frame("desired", { ...held, epoch: 99 })],
  ["a hash of something else", "gitlab-1", (held) => frame("desired", { ...held, hash: "0".repeat(64) })],
  [
    "a question of its own making",
    "gateway-1",
    () => frame("ask", { id: "q", kind: "exec", params: { argv: ["id"] } }),
  ],
];

t.test("frames that no coordinator sends end the connection and change nothing", async (t) => {
  const byNode = NODES.map(async (node) => {
    for (const [name, , make] of FRAMES.filter(([, to]) => to === node)) {
      await world.until(`${node} is connected`, 60_000, async () => coordinator.connected(node));
      const held = heldBy(sandbox, node);
      const isEnded = coordinator.watchEnd(node);
      coordinator.sayRaw(node, make(held));
      await world.until(`${name}: ended`, 10_000, async () => isEnded());
      t.strictSame(heldBy(sandbox, node), held, `${name}: nothing of it is kept`);
    }
  });
  await Promise.all(byNode);
  t.strictSame(differences(before, await snapshot(sandbox)), [], "zero writes, zero restarts");
});

t.test("a generation that goes back, one that is used again, and a role that there is not", async (t) => {
  const node = "ollama-1";
  await world.until("it is connected", 60_000, async () => coordinator.connected(node));
  const held = heldBy(sandbox, node);
  const other = { ollama: { ...good[node].ollama, env: {} } };
  for (const change of [{ generation: 1 }, { roles: other, hash: hashOf(other) }])
    coordinator.say(node, "desired", { ...held, ...change });
  const { desired } = await coordinator.desire(node, { ...good[node], constructor: {} });
  t.match(desired, { state: "rejected", code: "agent.too-old" });
  t.strictSame(heldBy(sandbox, node), held, "the last accepted one stays in force");
});

t.test("what was declared before is taken up again, without a write", async (t) => {
  for (const node of NODES) {
    await world.until("it is connected", 60_000, async () => coordinator.connected(node));
    await coordinator.desire(node, good[node]);
    await coordinator.reported(node, "all in sync", ({ resources }) =>
      resources.every(({ state }) => state === "in-sync" || state === "released"),
    );
  }
  t.strictSame(differences(before, await snapshot(sandbox)), [], "zero writes, zero restarts");
});

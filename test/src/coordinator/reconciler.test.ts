import { must } from "@fettle/shared/lib/must.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import { parseStack } from "@fettle/shared/stack/stack.ts";
import t from "tap";
import { type Bench, EXAMPLE, makeBench } from "./bench.ts";

const NODES = ["gitlab-1", "gateway-1", "ollama-1"] as const;
const MINUTE = 60_000;

/** As the API stores an apply, without its HTTP. */
async function apply({ context, clock, drain }: Bench, text: string): Promise<void> {
  const parsed = parseStack(text);
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  const { spec } = parsed;
  const at = clock.now();
  const basedOn = (await context.store.stacks.get(spec.name))?.revision ?? 0;
  const { track, nodes } = await context.reconciler.preview(spec);
  await context.store.stacks.put({ stack: spec.name, basedOn, spec: JSON.stringify(spec), source: text, at });
  if (track !== null) await context.store.imageTracks.latch({ stack: spec.name, revision: basedOn + 1, track, at });
  for (const { node, declared } of nodes)
    await context.store.nodes.declare({ node, stack: spec.name, address: null, roles: JSON.stringify(declared) });
  context.reconciler.touchAll(spec.name);
  await drain();
}

async function begin(text = EXAMPLE): Promise<Bench> {
  const bench = await makeBench();
  await apply(bench, text);
  for (const node of NODES) await bench.connect(node);
  return bench;
}

function gate(desired: Desired | undefined, resource: string) {
  return must(desired, "desired").gates.find((each) => each.resource === resource);
}

t.test("an apply reaches every node once, and a look that changes nothing writes and sends nothing", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  for (const node of NODES) t.match(bench.hub.last(node), { epoch: 1, generation: 1, policy: { mode: "enforce" } });
  const sent = NODES.map((node) => bench.hub.sent.get(node)?.length);
  for (let i = 0; i < 5; i += 1) bench.context.reconciler.touchAll("duo");
  await bench.drain();
  t.same(
    NODES.map((node) => bench.hub.sent.get(node)?.length),
    sent,
  );
  t.match(await bench.context.store.desired.get("ollama-1"), { generation: 1 });
});

t.test("only the node that a change concerns gets a new generation", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  await apply(bench, EXAMPLE.replace("warm: true", "warm: false"));
  t.same(
    NODES.map((node) => bench.hub.last(node)?.generation),
    [1, 1, 2],
  );
  await apply(bench, EXAMPLE.replace("mode: enforce", "mode: observe").replace("warm: true", "warm: false"));
  t.same(
    NODES.map((node) => bench.hub.last(node)?.generation),
    [1, 1, 2],
    "the mode is in no hash",
  );
  t.same(
    NODES.map((node) => bench.hub.last(node)?.policy.mode),
    ["observe", "observe", "observe"],
  );
});

t.test("a node that the stack names no more is released", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const alone = EXAMPLE.replace(/ {2}gitlab:\n(.*\n)*?(?= {2}modelServers:)/, "");
  await apply(bench, alone);
  t.same(bench.hub.last("gateway-1")?.roles, {});
  t.equal(bench.hub.last("gateway-1")?.generation, 2);
  t.equal(bench.hub.last("ollama-1")?.generation, 1);
});

t.test("a gate opens when its fact is there, and stays open", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const model = "gitlab.model[mistral]";
  t.match(gate(bench.hub.last("gitlab-1"), model), { open: false, fact: "ollama-1/ollama.model[mistral:instruct]" });
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]", state: "repairing" }]);
  t.match(gate(bench.hub.last("gitlab-1"), model), { open: false });
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }]);
  t.match(gate(bench.hub.last("gitlab-1"), model), { open: true });
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]", state: "drifted" }]);
  t.match(gate(bench.hub.last("gitlab-1"), model), { open: true }, "it latched");
  await apply(bench, EXAMPLE.replace("listen: private", "listen: 172.31.11.27:8080"));
  t.match(gate(bench.hub.last("gitlab-1"), model), { open: false }, "another endpoint is another hash");
});

t.test("what a node says of an older declaration opens nothing", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const old = { epoch: 1, generation: 0, hash: "0".repeat(64), state: "accepted" as const };
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }], { desired: old });
  t.match(gate(bench.hub.last("gitlab-1"), "gitlab.model[mistral]"), { open: false });
  const { generation, hash } = must(bench.hub.last("ollama-1"), "what is wanted");
  const before = { epoch: 0, generation, hash, state: "accepted" as const };
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }], { desired: before });
  t.match(gate(bench.hub.last("gitlab-1"), "gitlab.model[mistral]"), { open: false }, "nor of one of another epoch");
  bench.hub.live.delete("ollama-1");
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }]);
  t.match(gate(bench.hub.last("gitlab-1"), "gitlab.model[mistral]"), { open: false }, "nor a node that is gone");
});

t.test("an agent that holds more than is known here is asked for more, once, and never for nonsense", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const wanted = () => must(bench.hub.last("ollama-1"), "what is wanted");
  const { hash } = wanted();
  const holds = (generation: number, of: string) =>
    bench.report("ollama-1", [], { desired: { epoch: 1, generation, hash: of, state: "accepted" } });
  await holds(7, "0".repeat(64));
  t.match(wanted(), { generation: 8, hash }, "of a life before it was removed and enrolled again");
  await holds(7, "0".repeat(64));
  t.match(wanted(), { generation: 8, hash }, "as long as that is not taken over");
  await holds(8, hash);
  t.match(wanted(), { generation: 8, hash });
  await holds(12, hash);
  t.match(wanted(), { generation: 12, hash }, "the same content under another number");
  await holds(12, "0".repeat(64));
  t.match(wanted(), { generation: 13, hash }, "one number has one content");
  await holds(Number.MAX_SAFE_INTEGER, "0".repeat(64));
  t.match(wanted(), { generation: 13, hash });
});

t.test("answers wait for the gateway, the model and, where declared, its warmth", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const answers = () => gate(bench.hub.last("gitlab-1"), "gitlab.answers[mistral]");
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }]);
  await bench.report("gateway-1", [{ id: "gateway.ready" }]);
  t.match(answers(), { open: false, fact: "ollama-1/ollama.warm[mistral:instruct]" });
  await bench.report("ollama-1", [{ id: "ollama.model[mistral:instruct]" }, { id: "ollama.warm[mistral:instruct]" }]);
  t.match(answers(), { open: true });
});

t.test("a gate that stays shut while nothing moves behind it is stuck", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const settings = () => gate(bench.hub.last("gitlab-1"), "gitlab.duo-settings");
  await bench.clock.advance(9 * MINUTE);
  await bench.report("gateway-1", [{ id: "gateway.ready", state: "repairing" }]);
  await bench.clock.advance(2 * MINUTE);
  await bench.drain();
  t.match(settings(), { open: false, stuck: false }, "something moves");
  await bench.report("gateway-1", [{ id: "gateway.ready", state: "blocked" }]);
  await bench.clock.advance(11 * MINUTE);
  await bench.drain();
  t.match(settings(), { open: false, stuck: true });
  await bench.report("gateway-1", [{ id: "gateway.ready" }]);
  t.match(settings(), { open: true, stuck: false });
});

t.test("image auto: the first version decides, a later one waits for the next apply", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const image = () => (must(bench.hub.last("gateway-1"), "desired").roles.gateway as { image: unknown }).image;
  t.same(image(), { kind: "auto", track: null });
  t.match(gate(bench.hub.last("gateway-1"), "gateway.image"), { open: false, fact: "GitLab's version" });
  await bench.report("gitlab-1", [], { facts: { gitlabVersion: "18.8.2-ee" } });
  t.same(image(), { kind: "auto", track: "18.8" });
  t.match(gate(bench.hub.last("gateway-1"), "gateway.image"), { open: true });
  await bench.report("gitlab-1", [], { facts: { gitlabVersion: "18.9.0-ee" } });
  await bench.clock.advance(11 * MINUTE);
  await bench.drain();
  t.same(image(), { kind: "auto", track: "18.8" }, "nothing moves by itself");
  await apply(bench, EXAMPLE.replace("drain: 10m", "drain: 11m"));
  t.same(image(), { kind: "auto", track: "18.9" });
});

t.test("the previous container goes when GitLab's answers were looked at after the swap", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const swap = () => gate(bench.hub.last("gateway-1"), "gateway.previous");
  await bench.report("gitlab-1", [{ id: "gitlab.answers[mistral]" }]);
  await bench.clock.advance(MINUTE);
  const now = bench.clock.now();
  const id = "00000000-0000-7000-8000-000000000001";
  const run = { passId: id, epoch: 1, generation: 1, resourceHash: "a".repeat(64), cause: "desired", changes: "[]" };
  const ended = {
    phase: "done",
    outcome: "repaired",
    code: null,
    reason: null,
    startedAt: now,
    endedAt: now,
    bytes: 0,
  };
  const of = { id, stack: "duo", node: "gateway-1", resource: "gateway.container", receivedAt: now };
  await bench.context.store.runs.put({ ...run, ...ended, ...of } as Parameters<typeof bench.context.store.runs.put>[0]);
  await bench.report("gateway-1", [{ id: "gateway.ready", state: "unknown", code: "agent.in-transit" }]);
  const asked = () => bench.hub.last("gitlab-1")?.retry["gitlab.answers[mistral]"];
  t.equal(asked(), undefined, "not while the gateway starts: it would only be found away");
  await bench.report("gateway-1", [{ id: "gateway.ready" }]);
  t.match(swap(), { open: false, fact: "gitlab.answers" });
  t.equal(asked(), id, "GitLab is asked to look again");
  await bench.clock.advance(5_000);
  await bench.report("gitlab-1", [
    { id: "gitlab.answers[mistral]", since: now - MINUTE, checkedAt: bench.clock.now() },
  ]);
  t.match(swap(), { open: true });
});

t.test("pauses travel to whom they concern and end by themselves", async (t) => {
  const bench = await begin();
  t.teardown(bench.stop);
  const { store, reconciler } = bench.context;
  const pause = { stack: "duo", reason: "work", by: "socket", at: bench.clock.now() };
  await store.pauses.put({ ...pause, scope: "ollama-1/ollama", until: bench.clock.now() + MINUTE });
  reconciler.touchAll("duo");
  await bench.drain();
  t.same(
    NODES.map((node) => bench.hub.last(node)?.policy.pauses.length),
    [0, 0, 1],
  );
  await bench.clock.advance(2 * MINUTE);
  await bench.drain();
  t.same(
    NODES.map((node) => bench.hub.last(node)?.policy.pauses.length),
    [0, 0, 0],
  );
});

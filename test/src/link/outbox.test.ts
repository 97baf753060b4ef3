import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { MAX_REPORT_BYTES } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import t from "tap";
import { runRecord } from "./agent-side.ts";
import { onHello, welcome } from "./fake-coordinator.ts";
import { pair, until } from "./scene.ts";

t.test("a report goes out when it changed, at most one a second", async (t) => {
  const { coordinator, agent } = await pair(t);
  const peer = await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  agent.link.reportChanged();
  const started = agent.clock.mono();
  for (let turn = 1; turn <= 3; turn += 1) {
    agent.report = { ...agent.report, facts: { cores: turn } };
    agent.link.reportChanged();
    await peer.until(() => peer.of("report").some(({ body }) => body.facts.cores === turn));
  }
  t.ok(agent.clock.mono() - started >= 1_800, "three reports take two pauses");
  t.strictSame(
    peer.of("report").map(({ body }) => body.facts.cores),
    [1, 2, 3],
    "the unchanged one was not sent",
  );
});

t.test("a report over the limit is shortened, its states last; one that breaks the rules is mended", async (t) => {
  const resource = (index: number): ResourceReport => ({
    id: `ollama.model[m${index}]`,
    hash: "b".repeat(64),
    state: "blocked",
    code: "agent.busy",
    reason: "r".repeat(2000),
    since: 1,
    changes: Array.from({ length: 20 }, () => ({ what: "w", from: "f".repeat(500), to: "t".repeat(500) })),
    findings: [{ code: "agent.busy", args: { text: "x".repeat(500) } }],
  });
  const { coordinator, agent } = await pair(t);
  const peer = await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  const bad = { ...resource(0), id: "not an id" };
  agent.report = { ...agent.report, resources: [bad, ...Array.from({ length: 400 }, (_, index) => resource(index))] };
  agent.link.reportChanged();
  const { body } = await peer.first("report");
  t.ok(Buffer.byteLength(JSON.stringify(body)) <= MAX_REPORT_BYTES);
  t.equal(body.resources.length, 400);
  t.equal(body.resources[399].state, "blocked");
  t.equal(body.resources[399].code, "agent.busy");
});

t.test("records are sent until they are acknowledged, over a lost connection too", async (t) => {
  const { coordinator, agent } = await pair(t);
  const first = await coordinator.peer(0);
  agent.runs = [runRecord(), runRecord()];
  agent.audit = [{ id: runRecord().id, at: 1, who: "root", what: "pause" }];
  const [one, two] = agent.runs.map(({ id }) => id);
  agent.link.recordsChanged();
  const sent = await first.first("records");
  t.strictSame(
    sent.body.runs.map(({ id }: { id: string }) => id),
    [one, two],
  );
  first.socket.terminate();
  const second = await coordinator.peer(1);
  t.strictSame((await second.first("records")).body.runs.length, 2, "again, since nothing was acknowledged");
  second.send("ack", { ids: [must(one, "id")] });
  await second.until((peer) =>
    peer.of("records").some(({ body }) => body.runs.length === 1 && body.runs[0].id === two),
  );
  second.send("ack", { ids: [must(two, "id")] });
  const audit = await second.until((peer) => peer.of("records").find(({ body }) => body.audit.length === 1));
  second.send("ack", { ids: audit.body.audit.map(({ id }: { id: string }) => id) });
  await until(() => agent.runs.length === 0 && agent.audit.length === 0);
});

t.test("a frame of records stays under its limit, and one that no coordinator takes holds up nothing", async (t) => {
  const { coordinator, agent } = await pair(t);
  const changes = Array.from({ length: 60 }, () => ({ what: "w", from: "\u0001".repeat(3000), to: "t".repeat(3000) }));
  const broken = runRecord({ resource: "no resource id" });
  agent.runs = [broken, runRecord({ changes }), runRecord({ changes }), runRecord({ reason: "r".repeat(9000) })];
  agent.link.recordsChanged();
  const peer = await coordinator.peer(0);
  const seen = new Set<string>();
  while (seen.size < 3) {
    const frame = await peer.until(() =>
      peer.of("records").find(({ body }) => body.runs.some(({ id }: { id: string }) => !seen.has(id))),
    );
    t.ok(JSON.stringify(frame).length < 1024 * 1024);
    for (const run of frame.body.runs) seen.add(run.id);
    peer.send("ack", { ids: frame.body.runs.map(({ id }: { id: string }) => id) });
  }
  await until(() => agent.runs.length === 0);
  t.notOk(seen.has(broken.id));
});

t.test("logs go chunk by chunk, the next after the acknowledgement", async (t) => {
  const { coordinator, agent } = await pair(t);
  const runId = runRecord().id;
  agent.chunks = [0, 1, 2].map((seq) => ({ runId, seq, at: 1, data: `chunk ${seq}` }));
  agent.link.recordsChanged();
  const peer = await coordinator.peer(0);
  for (const seq of [0, 1, 2]) {
    const frame = await peer.until(() => peer.of("log").find(({ body }) => body.seq === seq));
    t.equal(frame.body.data, `chunk ${seq}`);
    t.equal(peer.of("log").filter(({ body }) => body.seq > seq).length, 0, "none ahead");
    peer.send("logAck", { runId, seq });
  }
  await until(() => agent.chunks.length === 0);
});

t.test("metrics and pings go out by themselves", async (t) => {
  const { coordinator } = await pair(
    t,
    (coordinator) => {
      coordinator.script = onHello((peer) => {
        peer.send("welcome", { ...welcome });
        const beat = setInterval(() => peer.send("ping", { at: 1 }), 500);
        peer.socket.on("close", () => clearInterval(beat));
      });
    },
    20,
  );
  const peer = await coordinator.peer(0);
  t.strictSame((await peer.first("metrics")).body.values, { load1: 0.5 });
  await peer.until(() => peer.of("ping").length >= 4);
  t.equal(coordinator.peers.length, 1, "pings from the other side keep a silent link alive");
});

t.test("asks: answered, one at a time per kind, with a deadline, and never too large", async (t) => {
  const { coordinator, agent } = await pair(t, () => {}, 20);
  const peer = await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  const answer = (id: string) => peer.until(() => peer.of("answer").find(({ body }) => body.id === id));
  const tail = (id: string) => peer.send("ask", { id, kind: "tail", params: { source: "agent", lines: 1 } });
  const probe = (id: string) => peer.send("ask", { id, kind: "probe", params: { host: "10.0.0.1", port: 1 } });
  const waiting = Promise.withResolvers<unknown>();
  agent.onAsk = () => waiting.promise;
  tail("one");
  tail("two");
  t.match((await answer("two")).body, { code: "link.ask-busy" });
  agent.onAsk = async () => ({ result: "ok" });
  probe("three");
  t.match((await answer("three")).body, { result: { result: "ok" } }, "another kind is not held up");
  waiting.resolve("done");
  t.match((await answer("one")).body, { result: "done" });
  agent.onAsk = async () => "x".repeat(2_000_000);
  tail("four");
  t.match((await answer("four")).body, { code: "link.answer-too-large", result: null });
  agent.onAsk = async () => {
    throw new FettleError("agent.too-old", { problem: "no such thing" });
  };
  tail("five");
  t.match((await answer("five")).body, { code: "agent.too-old", reason: /no such thing/ });
  agent.onAsk = async () => {
    throw new Error("boom");
  };
  tail("six");
  t.match((await answer("six")).body, { code: "link.ask-failed", reason: /boom/ });
  let aborted = false;
  agent.onAsk = (_ask, signal) => {
    signal.addEventListener("abort", () => {
      aborted = true;
    });
    return new Promise(() => {});
  };
  const beat = setInterval(() => peer.send("ping", { at: 1 }), 500);
  t.teardown(() => clearInterval(beat));
  tail("seven");
  t.match((await answer("seven")).body, { code: "link.ask-timeout" });
  t.ok(aborted, "the handler is told");
});

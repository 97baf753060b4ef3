import type { Identity } from "@fettle/agent/store/identity.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { MAX_REPORT_BYTES } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import t, { type Test } from "tap";
import { AgentSide, desiredOf, runRecord } from "./agent-side.ts";
import { newCa, newIdentity, newServer } from "./certificates.ts";
import { FakeCoordinator, onHello, type Script, welcome } from "./fake-coordinator.ts";

const ca = await newCa();
const server = await newServer(ca);
const identity = await newIdentity(ca);

interface Pair {
  readonly coordinator: FakeCoordinator;
  readonly agent: AgentSide;
}

/** A coordinator and an agent that dials it; `before` sets the scene before the first dial. */
async function pair(
  t: Test,
  before: (coordinator: FakeCoordinator) => void = () => {},
  who: Identity = identity,
): Promise<Pair> {
  const coordinator = new FakeCoordinator(ca, server);
  before(coordinator);
  const agent = new AgentSide([await coordinator.listen()], who);
  t.teardown(async () => {
    coordinator.close();
    await agent.stop();
  });
  return { coordinator, agent };
}

/** Until `look` is true, looking again at every turn of the event loop's timers; a test that waits for ever fails. */
async function until(look: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!look()) {
    if (performance.now() > end) throw new Error("it did not come to be");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

t.test("hello is the first frame and carries the whole report; welcome makes the link", async (t) => {
  const { coordinator, agent } = await pair(t);
  const peer = await coordinator.peer(0);
  const hello = await peer.first("hello");
  t.equal(peer.frames[0], hello);
  t.match(hello.body, { version: "0.1.0", roles: ["ollama"], machineId: "m", report: { resources: [] } });
  await until(() => agent.link.status().state === "connected");
  t.strictSame(agent.fence, { epoch: 3, incarnation: "a" });
  t.ok(agent.link.awayMs() < 1_000_000);
  t.ok(Math.abs(must(agent.link.status().clockOffsetMs, "offset")) < 5_000);
});

t.test("a desired state that passes is taken; older ones, reused numbers and unknown types are not", async (t) => {
  const { coordinator, agent } = await pair(t);
  const peer = await coordinator.peer(0);
  await peer.first("hello");
  peer.socket.send(JSON.stringify({ v: 1, type: "dance", id: "1", body: {} }));
  peer.send("desired", desiredOf(5));
  peer.send("desired", desiredOf(4));
  peer.send("desired", desiredOf(5, { ollama: { other: true } }));
  peer.send("desired", { ...desiredOf(5), retry: { "ollama.drop-in": "again" } });
  peer.send("desired", desiredOf(6));
  await until(() => agent.taken.length === 3);
  t.strictSame(
    agent.taken.map(({ generation, retry }) => [generation, Object.keys(retry).length]),
    [
      [5, 0],
      [5, 1],
      [6, 0],
    ],
  );
  t.equal(coordinator.peers.length, 1, "the connection stands");
});

t.test("what ends a connection, each with its code; the next one is made by itself", async (t) => {
  const say = (text: string): Script => onHello((peer) => peer.socket.send(text));
  const after = (act: (peer: Parameters<Script>[0]) => void): Script =>
    onHello((peer) => {
      peer.send("welcome", { ...welcome, wallMs: Date.now() });
      act(peer);
    });
  const cases: readonly [string, Script, string, RegExp][] = [
    ["not JSON", say("{"), "link.bad-frame", /not JSON/],
    [
      "a wrong type of a known field",
      say(JSON.stringify({ v: 1, type: "welcome", id: "1", body: { epoch: "3" } })),
      "link.bad-frame",
      /epoch/,
    ],
    ["too deep", say(`${'{"a":'.repeat(20)}1${"}".repeat(20)}`), "link.bad-frame", /deeper/],
    ["another version", say(JSON.stringify({ v: 2, type: "welcome", id: "1", body: {} })), "link.bad-frame", /./],
    [
      "something before welcome",
      onHello((peer) => peer.send("ack", { ids: [] })),
      "link.bad-frame",
      /ack before welcome/,
    ],
    ["a second welcome", after((peer) => peer.send("welcome", { ...welcome })), "link.bad-frame", /second welcome/],
    ["a binary frame", after((peer) => peer.socket.send(Buffer.from("x"))), "link.bad-frame", /text frame/],
    [
      "goodbye",
      after((peer) => peer.send("bye", { code: "link.replaced", reason: "newer" })),
      "link.closed",
      /link.replaced: newer/,
    ],
    [
      "a hash that is not the contents'",
      after((peer) => peer.send("desired", { ...desiredOf(1), hash: "0".repeat(64) })),
      "link.hash-mismatch",
      /./,
    ],
    [
      "a desired state of another epoch",
      after((peer) => peer.send("desired", desiredOf(1, {}, 4))),
      "link.fenced",
      /./,
    ],
    ["a frame over the limit", after((peer) => peer.socket.send("x".repeat(1_100_000))), "link.closed", /./],
    ["a cut line", after((peer) => peer.socket.terminate()), "link.closed", /./],
    ["silence after hello", () => {}, "link.timeout", /welcome/],
    ["silence after welcome", after(() => {}), "link.silent", /60 s/],
  ];
  for (const [name, script, code, message] of cases) {
    const { coordinator, agent } = await pair(t, (coordinator) => {
      coordinator.script = script;
    });
    let problem: FettleError | null = null;
    await until(() => {
      problem ??= agent.link.status().problem;
      return problem !== null;
    });
    t.match(problem, { code, message }, name);
    t.strictSame(agent.taken, [], name);
    await coordinator.peer(1);
    coordinator.close();
    await agent.stop();
  }
});

t.test(
  "the fence: lower epochs and other incarnations are refused and change nothing; a higher one raises it",
  async (t) => {
    const cases: readonly [number, string, boolean][] = [
      [2, "a", false],
      [3, "b", false],
      [3, "a", true],
      [4, "b", true],
    ];
    for (const [epoch, incarnation, passes] of cases) {
      const coordinator = new FakeCoordinator(ca, server);
      coordinator.script = onHello((peer) => {
        peer.send("welcome", { ...welcome, epoch, incarnation });
        peer.send("desired", desiredOf(9, {}, epoch));
      });
      const agent = new AgentSide([await coordinator.listen()], identity);
      agent.fence = { epoch: 3, incarnation: "a" };
      await until(() => agent.taken.length > 0 || agent.link.status().problem !== null);
      const name = `${epoch} ${incarnation}`;
      t.equal(agent.taken.length > 0, passes, name);
      if (!passes) t.equal(agent.link.status().problem?.code, "link.fenced", name);
      t.strictSame(agent.fence, passes ? { epoch, incarnation } : { epoch: 3, incarnation: "a" }, name);
      coordinator.close();
      await agent.stop();
    }
  },
);

t.test("a higher epoch may come with a lower generation", async (t) => {
  const { coordinator, agent } = await pair(t, (coordinator) => {
    coordinator.script = onHello((peer) => {
      peer.send("welcome", { ...welcome, epoch: 4 });
      peer.send("desired", desiredOf(2, {}, 4));
    });
  });
  agent.current = desiredOf(50);
  await until(() => agent.taken.length === 1);
  t.equal(agent.taken[0]?.generation, 2);
  t.equal(coordinator.peers.length, 1);
});

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
  const { coordinator } = await pair(t, (coordinator) => {
    coordinator.script = onHello((peer) => {
      peer.send("welcome", { ...welcome });
      const beat = setInterval(() => peer.send("ping", { at: 1 }), 500);
      peer.socket.on("close", () => clearInterval(beat));
    });
  });
  const peer = await coordinator.peer(0);
  t.strictSame((await peer.first("metrics")).body.values, { load1: 0.5 });
  await peer.until(() => peer.of("ping").length >= 4);
  t.equal(coordinator.peers.length, 1, "pings from the other side keep a silent link alive");
});

t.test("asks: answered, one at a time per kind, with a deadline, and never too large", async (t) => {
  const { coordinator, agent } = await pair(t);
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

t.test("refused at the door: the same identity is tried again, and the code says by whom", async (t) => {
  for (const status of [401, 403]) {
    const { coordinator, agent } = await pair(t, (coordinator) => {
      coordinator.refuse = { status };
    });
    await coordinator.attempted(3);
    await until(() => agent.link.status().problem !== null);
    t.match(agent.link.status().problem, { code: "link.refused", args: { status } });
    coordinator.refuse = null;
    await until(() => agent.link.status().state === "connected");
  }
});

t.test("come back later: by frame and by header", async (t) => {
  const scenes: readonly ((coordinator: FakeCoordinator) => void)[] = [
    (coordinator) => {
      coordinator.refuse = { status: 503, headers: { "retry-after": "30" } };
    },
    (coordinator) => {
      coordinator.script = onHello((peer) => peer.send("retryAfter", { ms: 30_000 }));
    },
  ];
  for (const scene of scenes) {
    const { coordinator, agent } = await pair(t, scene);
    await coordinator.attempted(1);
    await until(() => agent.clock.sleeps.includes(30_000));
    t.equal(coordinator.attempts, 1);
  }
});

t.test("delays: full jitter, doubling to the cap, and short again only after a stable minute", async (t) => {
  const coordinator = new FakeCoordinator(ca, server);
  coordinator.refuse = { status: 500 };
  const agent = new AgentSide([await coordinator.listen()], identity, 60);
  t.teardown(async () => {
    coordinator.close();
    await agent.stop();
  });
  agent.clock.always(0.999_999);
  const count = (ms: number) => agent.clock.sleeps.filter((slept) => slept === ms).length;
  await until(() => count(60_000) === 1);
  t.match(agent.clock.sleeps.slice(-6), [2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
  coordinator.refuse = null;
  const peer = await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  peer.socket.terminate();
  await until(() => count(60_000) === 2);
  t.equal(agent.link.status().problem?.code, "link.closed", "a short link does not reset the delay");
  await coordinator.peer(1);
  await until(() => agent.link.status().problem?.code === "link.silent");
  await coordinator.peer(2);
  t.equal(count(60_000), 2, "after a minute it is short again");
});

t.test("only the coordinator that this agent was enrolled with is spoken to", async (t) => {
  const otherCa = await newCa();
  const cases: readonly [string, { cert: string; key: string }, Identity, string][] = [
    ["another CA", await newServer(otherCa), identity, "link.untrusted"],
    ["another name", await newServer(ca, "coordinator.ffff.fettle.internal"), identity, "link.untrusted"],
    ["the dialled name", await newServer(ca, "localhost"), identity, "link.untrusted"],
    [
      "an agent's certificate as a server",
      { cert: identity.certificate, key: identity.key.reveal() },
      identity,
      "link.untrusted",
    ],
    [
      "our certificate is of another CA",
      server,
      { ...(await newIdentity(otherCa)), ca: ca.certificate },
      "link.unreachable",
    ],
  ];
  for (const [name, cert, who, code] of cases) {
    const coordinator = new FakeCoordinator(ca, cert);
    const agent = new AgentSide([await coordinator.listen()], who);
    await until(() => agent.link.status().problem !== null);
    t.equal(agent.link.status().problem?.code, code, name);
    t.equal(coordinator.peers.length, 0, name);
    coordinator.close();
    await agent.stop();
  }
});

t.test("the list of coordinators is gone through, and an agent without identity waits", async (t) => {
  const coordinator = new FakeCoordinator(ca, server);
  const address = await coordinator.listen();
  const agent = new AgentSide([{ host: "127.0.0.1", port: 1, apiPort: 1 }, address], identity);
  await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  t.equal(agent.link.status().coordinator, `127.0.0.1:${address.port}`);
  await agent.stop();
  const nobody = new AgentSide([address], null);
  await until(() => nobody.link.status().problem !== null);
  t.equal(nobody.link.status().problem?.code, "identity.absent");
  await nobody.stop();
  coordinator.close();
});

import type { Identity } from "@fettle/agent/store/identity.ts";
import type { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t from "tap";
import { AgentSide, desiredOf } from "./agent-side.ts";
import { newCa, newIdentity, newServer } from "./certificates.ts";
import { FakeCoordinator, onHello, type Script, welcome } from "./fake-coordinator.ts";
import { ca, identity, pair, server, until } from "./scene.ts";

/** Where a test waits for a deadline of a minute. */
const SPEED = 20;

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

t.test("a coordinator one protocol ahead is obeyed as far as it is understood", async (t) => {
  const { coordinator, agent } = await pair(t, (one) => {
    one.script = onHello((peer) => {
      const body = { ...welcome, wallMs: Date.now(), protocol: 2, unheardOf: { deep: [1] } };
      peer.socket.send(JSON.stringify({ v: 2, type: "welcome", id: "1", body }));
      peer.socket.send(JSON.stringify({ v: 2, type: "unheardOf", id: "2", body: { any: "thing" } }));
      const desired = { ...desiredOf(5), unheardOf: true };
      peer.socket.send(JSON.stringify({ v: 2, type: "desired", id: "3", body: desired, more: 1 }));
    });
  });
  await until(() => agent.taken.length === 1);
  t.notHas(agent.taken[0], { unheardOf: true });
  t.equal(agent.link.status().state, "connected");
  t.equal(coordinator.peers.length, 1);
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
    [
      "a coordinator of a protocol before the oldest",
      onHello((peer) => peer.send("welcome", { ...welcome, protocol: 0 })),
      "link.protocol",
      /speaks protocol 0; this program speaks 1/,
    ],
    [
      "a coordinator two protocols ahead",
      onHello((peer) => peer.send("welcome", { ...welcome, protocol: 3 })),
      "link.protocol",
      /speaks protocol 3; this program speaks 1/,
    ],
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
    const { coordinator, agent } = await pair(
      t,
      (coordinator) => {
        coordinator.script = script;
      },
      SPEED,
    );
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
  // Three quarters of each ceiling, so that no other wait has the same length.
  agent.clock.always(0.75);
  const count = (ms: number) => agent.clock.sleeps.filter((slept) => slept === ms).length;
  await until(() => count(45_000) === 1);
  t.match(agent.clock.sleeps.slice(-6), [1_500, 3_000, 6_000, 12_000, 24_000, 45_000]);
  coordinator.refuse = null;
  const peer = await coordinator.peer(0);
  await until(() => agent.link.status().state === "connected");
  peer.socket.terminate();
  await until(() => count(45_000) === 2);
  t.equal(agent.link.status().problem?.code, "link.closed", "a short link does not reset the delay");
  await coordinator.peer(1);
  await until(() => agent.link.status().problem?.code === "link.silent");
  await coordinator.peer(2);
  t.equal(count(45_000), 2, "after a minute it is short again");
});

t.test("of several coordinators each is tried before the delay grows", async (t) => {
  const nobody = [1, 2].map((port) => ({ host: "127.0.0.1", port, apiPort: 1 }));
  const agent = new AgentSide(nobody, identity, 60);
  t.teardown(() => agent.stop());
  agent.clock.always(0.75);
  const delays = () => agent.clock.sleeps.filter((ms) => [750, 1_500, 3_000, 6_000].includes(ms));
  await until(() => delays().includes(6_000));
  t.match(delays().slice(0, 6), [750, 1_500, 750, 3_000, 750, 6_000]);
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

import { createPublicKey, randomUUID, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { LINK_PATH } from "@fettle/shared/api/enrol.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { encode } from "@fettle/shared/protocol/codec.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import t, { type Test } from "tap";
import { WebSocket } from "ws";
import { systemClock } from "../clock.ts";
import { agentCertificate, caCertificate, type Issuer, serverCertificate } from "../pki/certificates.ts";
import { newKey } from "../pki/keys.ts";
import type { AgentRoute } from "./agent-route.ts";
import { FrameBudget } from "./frame-budget.ts";
import type { HubHandlers } from "./handlers.ts";
import { Hub } from "./hub.ts";
import { Inbox } from "./inbox.ts";
import { LIMITS, type Limits } from "./limits.ts";
import type { Peer } from "./peer.ts";

const NAME = "coordinator.test.fettle.internal";
const NOW = Date.now();
const VALIDITY = { notBefore: NOW - 3_600_000, notAfter: NOW + 86_400_000 };
const HASH = "a".repeat(64);

interface Credentials {
  readonly cert: string;
  readonly key: string;
}

async function newCa(): Promise<Issuer> {
  const key = newKey();
  return { key, certificate: await caCertificate("test CA", key, VALIDITY) };
}

async function agentOf(ca: Issuer, nodeId: string): Promise<Credentials> {
  const key = newKey();
  return { key, cert: await agentCertificate(ca, createPublicKey(key), nodeId, VALIDITY) };
}

function fingerprintOf({ cert }: Credentials): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(":", "").toLowerCase();
}

/** A store of agents and everything that the hub handed on, kept in memory. */
class Ledger implements HubHandlers {
  readonly known = new Map<string, { peer: Peer; commonName: string; refusal?: "identity.revoked" }>();
  readonly reports: [string, Report][] = [];
  readonly stored: string[] = [];
  readonly happened: string[] = [];
  fault: Error | null = null;
  strict = true;

  async identify({ fingerprint, commonName }: { fingerprint: string; commonName: string }): Promise<Peer> {
    const found = this.known.get(fingerprint);
    if (found === undefined || found.commonName !== commonName) throw new FettleError("identity.unknown");
    if (found.refusal !== undefined) throw new FettleError(found.refusal, { node: found.peer.node });
    return found.peer;
  }
  async judge({ node }: Peer, _: Hello, other: Hello | null): Promise<void> {
    if (other === null) return;
    this.happened.push(`two machines ${node}`);
    if (this.strict) throw new FettleError("identity.duplicate", { node, machines: "two" });
  }
  async onHello({ node }: Peer, hello: Hello): Promise<void> {
    this.happened.push(`hello ${node}`);
    this.reports.push([node, hello.report]);
  }
  async onReport({ node }: Peer, report: Report): Promise<void> {
    if (this.fault !== null) throw this.fault;
    this.reports.push([node, report]);
  }
  async onRecords({ node }: Peer, { runs, audit }: { runs: { id: string }[]; audit: { id: string }[] }): Promise<void> {
    if (this.fault !== null) throw this.fault;
    for (const { id } of [...runs, ...audit]) this.stored.push(`${node} ${id}`);
  }
  async onLog({ node }: Peer, { seq, data }: { seq: number; data: string }): Promise<void> {
    this.stored.push(`${node} log ${seq} ${data}`);
  }
  async onMetrics({ node }: Peer, { values }: { values: Record<string, number> }): Promise<void> {
    this.stored.push(`${node} ${JSON.stringify(values)}`);
  }
  onConnected({ node }: Peer): void {
    this.happened.push(`connected ${node}`);
  }
  onDisconnected({ node }: Peer, { code }: FettleError): void {
    this.happened.push(`disconnected ${node} ${code}`);
  }
  onRefused(peer: Peer | null, { code }: FettleError): void {
    this.happened.push(`refused ${peer?.node ?? "?"} ${code}`);
  }
  onFleetLost(gone: number, all: number): void {
    this.happened.push(`lost ${gone} of ${all}`);
  }
  onFault({ node }: Peer, error: unknown): void {
    this.happened.push(`fault ${node} ${String(error)}`);
  }
}

/** An agent's end of the wire, made by hand so that it can misbehave. */
class Client {
  readonly socket: WebSocket;
  readonly frames: { type: string; body: never }[] = [];
  #count = 0;

  constructor(port: number, ca: string, credentials: Partial<Credentials>, path: string = LINK_PATH) {
    const identity = { ...credentials, ca, servername: NAME };
    this.socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, { ...identity, perMessageDeflate: false });
    this.socket.on("message", (data) => this.frames.push(JSON.parse(String(data))));
    this.socket.on("error", () => undefined);
  }

  /** "open", or how it was refused: the status and code, or the TLS error. */
  async opened(): Promise<string> {
    return await new Promise((resolve) => {
      this.socket.on("open", () => resolve("open"));
      this.socket.on("error", (error) => resolve(error.message));
      this.socket.on("unexpected-response", (_, response) => {
        response.setEncoding("utf8");
        response.on("data", (text) => resolve(`${response.statusCode} ${JSON.parse(text).error.code}`));
      });
    });
  }

  say(type: string, body: unknown): void {
    this.#count += 1;
    this.socket.send(encode(type, String(this.#count), body));
  }

  /** The body of the first frame of this type; waits for it. */
  async got<T = Record<string, unknown>>(type: string): Promise<T> {
    for (;;) {
      const frame = this.frames.find((one) => one.type === type);
      if (frame !== undefined) return frame.body;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before ${type}`);
      await Promise.race([once(this.socket, "message"), once(this.socket, "close")]);
    }
  }

  /** The code with which the coordinator ended it. */
  async ended(): Promise<string> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, "close");
    const bye = this.frames.findLast(({ type }) => type === "bye");
    return bye === undefined ? "none" : (bye.body as { code: string }).code;
  }
}

const REPORT: Report = { desired: null, facts: {}, resources: [], health: null, ports: [], pauses: [] };

function helloOf(change: Partial<Hello> = {}): Hello {
  return {
    version: "0.1.0",
    protocol: 1,
    capabilities: ["ollama.service"],
    roles: ["ollama"],
    machineId: "m1",
    bootId: "b1",
    instanceId: "",
    wallMs: NOW,
    monoMs: 1,
    report: REPORT,
    ...change,
  };
}

const DESIRED: Desired = {
  epoch: 1,
  generation: 1,
  hash: HASH,
  roles: {},
  gates: [],
  policy: { mode: "observe", pauses: [], contention: null },
  retry: {},
  approvals: [],
};

const ROUTES: readonly AgentRoute[] = [
  {
    method: "GET",
    path: "/v1/who/",
    answer: async ({ peer, rest, response }) => void response.end(JSON.stringify({ ...peer, rest })),
  },
];

/** One plain request on the agents' port: the status and what came. */
async function asked(port: number, { cert, key }: Partial<Credentials>, path: string): Promise<string> {
  const tls = { ca: ca.certificate, servername: NAME, agent: false, ...(cert && { cert }), ...(key && { key }) };
  const outgoing = request({ host: "127.0.0.1", port, path, ...tls });
  outgoing.end();
  try {
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return `${response.statusCode} ${await text(response)}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

const ca = await newCa();

interface World {
  readonly hub: Hub;
  readonly ledger: Ledger;
  readonly port: number;
  enrolled(node: string): Promise<Credentials>;
  dial(credentials: Partial<Credentials>, path?: string): Client;
  /** A client that has said hello and was welcomed. */
  welcomed(credentials: Credentials, change?: Partial<Hello>): Promise<Client>;
  /** Waits until something has happened. */
  until(what: string): Promise<void>;
}

async function world(test: Test, change: Partial<Limits> = {}): Promise<World> {
  const ledger = new Ledger();
  const key = newKey();
  const certificate = await serverCertificate(ca, key, { dns: [NAME], ips: ["127.0.0.1"] }, VALIDITY);
  const hub = new Hub({
    address: { host: "127.0.0.1", port: 0 },
    tls: { certificate, key, ca: ca.certificate },
    epoch: 1,
    incarnation: "i",
    clock: systemClock,
    limits: { ...LIMITS, closeMs: 200, ...change },
    handlers: ledger,
    routes: ROUTES,
  });
  const { port } = await hub.listen();
  const stop = new AbortController();
  const running = hub.run(stop.signal);
  const clients: Client[] = [];
  test.teardown(async () => {
    for (const { socket } of clients) socket.terminate();
    stop.abort();
    await running;
  });
  const dial = (credentials: Partial<Credentials>, path?: string): Client => {
    const client = new Client(port, ca.certificate, credentials, path);
    clients.push(client);
    return client;
  };
  return {
    hub,
    ledger,
    port,
    dial,
    async enrolled(node) {
      const nodeId = randomUUID();
      const credentials = await agentOf(ca, nodeId);
      ledger.known.set(fingerprintOf(credentials), { peer: { node, stack: "duo" }, commonName: nodeId });
      return credentials;
    },
    async welcomed(credentials, helloChange) {
      const client = dial(credentials);
      if ((await client.opened()) !== "open") throw new Error("not let in");
      client.say("hello", helloOf(helloChange));
      await client.got("welcome");
      return client;
    },
    async until(what) {
      while (!ledger.happened.includes(what)) await systemClock.sleep(5);
    },
  };
}

t.test("hello, welcome, desired once, records and logs acknowledged after they are stored", async (t) => {
  const { hub, ledger, enrolled, welcomed, until } = await world(t);
  t.notOk(hub.send("ollama-1", DESIRED));
  const agent = await welcomed(await enrolled("ollama-1"));
  t.match(await agent.got("welcome"), { epoch: 1, incarnation: "i", stack: "duo", pingMs: 20_000 });
  await until("connected ollama-1");
  t.match(hub.connection("ollama-1"), {
    node: "ollama-1",
    stack: "duo",
    version: "0.1.0",
    capabilities: ["ollama.service"],
  });
  t.ok(hub.send("ollama-1", DESIRED));
  t.ok(hub.send("ollama-1", { ...DESIRED }));
  t.ok(hub.send("ollama-1", { ...DESIRED, generation: 2 }));
  const id = randomUUID();
  agent.say("records", { runs: [], audit: [{ id, at: 1, who: "root", what: "pause" }] });
  t.same(await agent.got("ack"), { ids: [id] });
  agent.say("log", { runId: id, seq: 4, at: 1, data: "a\u001b[31m\u202eb\n" });
  t.same(await agent.got("logAck"), { runId: id, seq: 4 });
  t.same(ledger.stored, [`ollama-1 ${id}`, "ollama-1 log 4 a[31mb\n"], "and control characters are gone");
  t.same(
    agent.frames.filter(({ type }) => type === "desired").map(({ body }) => (body as Desired).generation),
    [1, 2],
  );
  agent.say("a-later-message", { any: "thing" });
  agent.say("report", { ...REPORT, facts: { hostname: "ol\u0007lama", later: 1 } });
  agent.say("metrics", { at: 1, values: { "load\u202e1": 2 } });
  while (ledger.stored.length < 3) await systemClock.sleep(5);
  t.same(ledger.reports.at(-1), ["ollama-1", { ...REPORT, facts: { hostname: "ollama" } }]);
  t.equal(ledger.stored.at(-1), 'ollama-1 {"load1":2}');
  t.equal(hub.connection("ollama-1")?.ignoredFrames, 1);
  agent.socket.close();
  await until("disconnected ollama-1 link.closed");
  t.notOk(hub.connected("ollama-1"));
});

/** TLS 1.3 refuses after the client is done: it sees the alert or just the end. */
const TLS_REFUSED = /^(?!open|\d{3} ).*(certificate|unknown ca|socket hang up|ECONNRESET)/;

t.test("who may come in", async (t) => {
  const { ledger, enrolled, dial, port } = await world(t);
  const good = await enrolled("ollama-1");
  const revoked = await enrolled("gitlab-1");
  must(ledger.known.get(fingerprintOf(revoked)), "entry").refusal = "identity.revoked";
  const stranger = await agentOf(await newCa(), "x");
  const serverKey = newKey();
  const server = { key: serverKey, cert: await serverCertificate(ca, serverKey, { dns: ["x"], ips: [] }, VALIDITY) };
  const expiredKey = newKey();
  const past = { notBefore: NOW - 7_200_000, notAfter: NOW - 3_600_000 };
  const expired = { key: expiredKey, cert: await agentCertificate(ca, createPublicKey(expiredKey), "x", past) };
  const cases: [string, Partial<Credentials>, RegExp][] = [
    ["a known certificate", good, /^open$/],
    ["no certificate", {}, TLS_REFUSED],
    ["another CA's certificate", stranger, TLS_REFUSED],
    ["a certificate for servers", server, TLS_REFUSED],
    ["an expired certificate", expired, TLS_REFUSED],
    ["a certificate of our CA that was never issued", await agentOf(ca, "x"), /^403 identity\.unknown$/],
    ["a revoked certificate", revoked, /^403 identity\.revoked$/],
  ];
  for (const [name, credentials, expected] of cases) t.match(await dial(credentials).opened(), expected, name);
  t.equal(await dial(good, "/v1/other").opened(), "404 api.not-found");
  const old = connect({
    ...good,
    port,
    host: "127.0.0.1",
    ca: ca.certificate,
    servername: NAME,
    maxVersion: "TLSv1.2",
  });
  const [error] = await once(old, "error");
  t.match(String(error), /protocol|alert/i, "TLS 1.2 is refused");
  t.ok(ledger.happened.includes("refused ? identity.revoked"));
  t.notOk(
    ledger.happened.some((what) => what.startsWith("connected")),
    "an upgrade alone connects nobody",
  );
});

const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;
const wrapped = (type: string, body: string): string => `{"v":1,"type":"${type}","id":"1","body":${body}}`;

/** Frames after a good hello, and the code that ends that connection. */
const HOSTILE: [string, string | Buffer, string][] = [
  ["not JSON", "{", "link.bad-frame"],
  ["no envelope", "[]", "link.bad-frame"],
  ["a protocol that cannot be", '{"v":-1,"type":"ping","id":"1","body":{"at":1}}', "link.bad-frame"],
  [
    "a wrong type of a known field",
    wrapped("report", JSON.stringify({ ...REPORT, resources: "all" })),
    "link.bad-frame",
  ],
  [
    "a resource id that is none",
    wrapped("report", JSON.stringify({ ...REPORT, ports: [{ peer: "../x" }] })),
    "link.bad-frame",
  ],
  ["deeply nested", wrapped("ping", deep), "link.bad-frame"],
  ["deeply nested in a string's shadow", `${"[".repeat(200_000)}`, "link.bad-frame"],
  ["a report over 256 KiB", wrapped("report", JSON.stringify(REPORT) + " ".repeat(300_000)), "link.report-too-large"],
  ["binary", Buffer.from([1, 2, 3]), "link.bad-frame"],
  ["a second hello", wrapped("hello", JSON.stringify(helloOf())), "link.bad-frame"],
  ["a prototype for a type", wrapped("__proto__", "{}"), "none"],
];

t.test("a bad frame ends its connection with a code, and no other", async (t) => {
  const { hub, ledger, enrolled, welcomed, until } = await world(t);
  const neighbour = await welcomed(await enrolled("gateway-1"));
  await until("connected gateway-1");
  for (const [name, frame, code] of HOSTILE) {
    const agent = await welcomed(await enrolled("ollama-1"));
    const before = ledger.reports.length;
    agent.socket.send(frame);
    if (code === "none") {
      agent.say("ping", { at: 1 });
      agent.say("records", { runs: [], audit: [] });
      await agent.got("ack");
      t.pass(`${name}: ignored`);
      continue;
    }
    t.equal(await agent.ended(), code, name);
    t.equal(ledger.reports.length, before, "nothing of it was taken");
  }
  t.ok(hub.connected("gateway-1"));
  neighbour.say("records", { runs: [], audit: [] });
  await neighbour.got("ack");
});

t.test("a frame over 1 MiB ends its connection", async (t) => {
  const { enrolled, welcomed, until } = await world(t);
  const agent = await welcomed(await enrolled("ollama-1"));
  agent.socket.send("x".repeat(1024 * 1024 + 1));
  await once(agent.socket, "close");
  await until("disconnected ollama-1 link.bad-frame");
});

t.test("hello comes first, and soon", async (t) => {
  const { enrolled, dial } = await world(t, { helloMs: 100 });
  const credentials = await enrolled("ollama-1");
  const early = dial(credentials);
  await early.opened();
  early.say("ping", { at: 1 });
  t.equal(await early.ended(), "link.hello-first");
  const slow = dial(credentials);
  await slow.opened();
  t.equal(await slow.ended(), "link.no-hello");
});

/** Protocol of an agent -> what it is answered. This coordinator speaks 1. */
const PEERS = [
  [0, "link.protocol"],
  [1, "welcome"],
  [2, "welcome"],
  [3, "link.protocol"],
] as const;

for (const [protocol, answer] of PEERS)
  t.test(`an agent of protocol ${protocol}: ${answer}`, async (t) => {
    const { ledger, enrolled, dial } = await world(t);
    const agent = dial(await enrolled("ollama-1"));
    await agent.opened();
    const say = (type: string, body: object) =>
      agent.socket.send(JSON.stringify({ v: protocol, type, id: "1", body, later: true }));
    say("hello", { ...helloOf({ protocol }), unheardOf: { deep: [1] }, report: { ...REPORT, unheardOf: 1 } });
    if (answer === "link.protocol") {
      t.equal(await agent.ended(), answer);
      t.same(ledger.reports, [], "nothing of it was taken");
      const bye = agent.frames.findLast(({ type }) => type === "bye")?.body as { reason?: string } | undefined;
      t.match(bye?.reason, /speaks protocol [03]; this program speaks 1/);
      return;
    }
    t.match(await agent.got("welcome"), { protocol: 1 });
    say("unheardOf", { anything: true });
    say("records", { runs: [], audit: [], unheardOf: [] });
    await agent.got("ack");
    t.pass("what it says beyond this protocol is left out, and the rest is taken");
  });

t.test("a flood is slowed to the rate and loses nothing", async (t) => {
  const { ledger, enrolled, welcomed } = await world(t, { framesPerSecond: 100, burst: 10 });
  const credentials = await enrolled("ollama-1");
  const fast = await welcomed(credentials);
  const started = performance.now();
  for (let seq = 0; seq < 60; seq += 1) fast.say("log", { runId: randomUUID(), seq, at: 1, data: "x" });
  while (fast.frames.filter(({ type }) => type === "logAck").length < 60) await once(fast.socket, "message");
  t.ok(performance.now() - started > 400, "60 frames at 100 a second, 10 of them at once");
  t.equal(ledger.stored.length, 60);
  let accepted = 0;
  const deaf = { pause: () => undefined, resume: () => undefined };
  const inbox = new Inbox(deaf, systemClock, new FrameBudget(systemClock, 20, 1), async () => undefined);
  while (inbox.add("x".repeat(1000))) accepted += 1;
  t.ok(accepted > 1000 && accepted < 5000, "what was read before the socket was paused has a limit too");
  inbox.clear();
});

t.test("the newest connection of one machine serves; a second machine is turned away", async (t) => {
  const { hub, ledger, enrolled, welcomed, dial } = await world(t);
  const credentials = await enrolled("ollama-1");
  const here = { instanceId: "i-1", productUuid: "ec2-1" };
  const first = await welcomed(credentials, here);
  const second = await welcomed(credentials, { instanceId: "i-1" });
  t.equal(await first.ended(), "link.replaced", "one that says less is no other machine");
  t.ok(hub.send("ollama-1", DESIRED));
  t.match(await second.got("desired"), { generation: 1 });
  for (const change of [{ machineId: "m2" }, { instanceId: "i-2" }, { machineId: "m2", instanceId: "i-1" }]) {
    const clone = dial(credentials);
    await clone.opened();
    clone.say("hello", helloOf(change));
    t.equal(await clone.ended(), "identity.duplicate");
  }
  t.ok(hub.connected("ollama-1"));
  t.notOk(
    ledger.happened.some((what) => what.startsWith("disconnected")),
    "a newer connection is no disconnect",
  );
  t.equal(ledger.happened.filter((what) => what === "refused ollama-1 identity.duplicate").length, 3);
  ledger.strict = false;
  const named = await welcomed(credentials, { machineId: "m2" });
  t.equal(await second.ended(), "identity.replaced", "a person has said that it is the other one");
  hub.cutOthers("ollama-1", { machineId: "m2", instanceId: "", productUuid: "" });
  t.ok(hub.connected("ollama-1"));
  hub.cutOthers("ollama-1", { machineId: "m3", instanceId: "", productUuid: "" });
  t.equal(await named.ended(), "identity.replaced");
});

t.test("questions: answered, refused, too late, one at a time, and cut off", async (t) => {
  const { hub, enrolled, welcomed, until } = await world(t, { askMs: 150 });
  const probe = { kind: "probe", params: { host: "127.0.0.1", port: 1 } } as const;
  const codeOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: FettleError) => error.code);
  t.equal(await codeOf(hub.ask("ollama-1", probe)), "link.not-connected");
  const agent = await welcomed(await enrolled("ollama-1"));
  await until("connected ollama-1");
  const good = hub.ask("ollama-1", probe);
  const { id } = await agent.got("ask");
  t.equal(await codeOf(hub.ask("ollama-1", probe)), "link.ask-busy");
  agent.say("answer", { id: "ask-99", result: "not this" });
  agent.say("answer", { id, result: { open: true } });
  t.same(await good, { open: true });
  agent.frames.length = 0;
  const refused = hub.ask("ollama-1", probe);
  agent.say("answer", { id: (await agent.got("ask")).id, code: "agent.paused", reason: "no", result: null });
  t.equal(await codeOf(refused), "link.ask-failed");
  t.equal(await codeOf(hub.ask("ollama-1", probe)), "link.ask-timeout");
  const abort = new AbortController();
  const given = hub.ask("ollama-1", probe, abort.signal);
  abort.abort(new FettleError("link.timeout", { what: "test" }));
  t.equal(await codeOf(given), "link.timeout");
  const cut = hub.ask("ollama-1", probe);
  hub.cut("ollama-1", "link.removed");
  t.equal(await codeOf(cut), "link.removed");
  t.equal(await agent.ended(), "link.removed");
});

t.test("pings go out, and a silent agent is stale", async (t) => {
  const { enrolled, welcomed, until } = await world(t, { pingMs: 30, staleMs: 200 });
  const credentials = await enrolled("ollama-1");
  const agent = await welcomed(credentials);
  await agent.got("ping");
  await until("disconnected ollama-1 link.stale");
});

t.test("what cannot be stored is not acknowledged", async (t) => {
  const { ledger, enrolled, welcomed } = await world(t);
  const agent = await welcomed(await enrolled("ollama-1"));
  ledger.fault = new Error("disk full");
  agent.say("records", { runs: [], audit: [{ id: randomUUID(), at: 1, who: "root", what: "pause" }] });
  t.equal(await agent.ended(), "link.not-stored");
  t.notOk(agent.frames.some(({ type }) => type === "ack"));
});

t.test("more than half of the agents gone at once is one event", async (t) => {
  const { ledger, enrolled, welcomed, until } = await world(t);
  const agents: Client[] = [];
  for (let at = 0; at < 5; at += 1) agents.push(await welcomed(await enrolled(`n-${at}`)));
  await until("connected n-4");
  for (const [at, { socket }] of agents.entries()) {
    socket.terminate();
    await until(`disconnected n-${at} link.closed`);
  }
  t.same(
    ledger.happened.filter((what) => what.startsWith("lost")),
    ["lost 3 of 5"],
  );
});

t.test("a route answers whom the store knows, at each request", async (t) => {
  const { port, ledger, enrolled } = await world(t);
  const good = await enrolled("a");
  t.equal(await asked(port, good, "/v1/who/am/i?x=1"), '200 {"node":"a","stack":"duo","rest":"am/i"}');
  t.match(await asked(port, good, "/v1/whoever"), /^404 .*api\.not-found/);
  t.match(await asked(port, {}, "/v1/who/"), /^E/, "without a certificate there is no answer");
  const row = must(ledger.known.get(fingerprintOf(good)), "the row");
  ledger.known.set(fingerprintOf(good), { ...row, refusal: "identity.revoked" });
  t.match(await asked(port, good, "/v1/who/"), /^403 .*identity\.revoked/);
});

t.test("a stop says good-bye and raises nothing", async (t) => {
  const ledger = new Ledger();
  const key = newKey();
  const certificate = await serverCertificate(ca, key, { dns: [NAME], ips: [] }, VALIDITY);
  const nodeId = randomUUID();
  const credentials = await agentOf(ca, nodeId);
  ledger.known.set(fingerprintOf(credentials), { peer: { node: "a", stack: "duo" }, commonName: nodeId });
  const parts = { address: { host: "127.0.0.1", port: 0 }, tls: { certificate, key, ca: ca.certificate } };
  const fixed = { epoch: 1, incarnation: "i", clock: systemClock, limits: LIMITS, handlers: ledger, routes: [] };
  const hub = new Hub({ ...parts, ...fixed });
  const { port } = await hub.listen();
  const stop = new AbortController();
  const running = hub.run(stop.signal);
  const client = new Client(port, ca.certificate, credentials);
  await client.opened();
  client.say("hello", helloOf());
  await client.got("welcome");
  stop.abort();
  t.equal(await client.ended(), "link.going-away");
  await running;
  t.notOk(ledger.happened.some((what) => /^(disconnected|lost)/.test(what)));
});

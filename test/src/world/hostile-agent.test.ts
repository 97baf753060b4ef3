import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { auditRoute } from "@fettle/shared/api/audit.ts";
import { API_PORT } from "@fettle/shared/api/enrol.ts";
import { eventsRoute } from "@fettle/shared/api/events.ts";
import { nodeRoute } from "@fettle/shared/api/nodes.ts";
import { resourceRoute } from "@fettle/shared/api/resources.ts";
import { type RunView, runLogRoute } from "@fettle/shared/api/runs.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import t from "tap";
import { HandAgent, reportOf, type StolenIdentity, stealIdentity } from "./hand-agent.ts";
import { startWorld } from "./world.ts";

const MODEL = "ollama.model[mistral:instruct]";
const HASH = "a".repeat(64);

const world = await startWorld(t);
const { sandbox } = world;
const { outside } = sandbox.layout;
await world.until("every agent has reported", 30_000, async () => (await world.resources("ollama-1")).length > 0);
// The gateway's machine is broken into: its agent is gone, and somebody else speaks with its key.
await sandbox.agents["gateway-1"].stop();
const stolen: StolenIdentity = stealIdentity(sandbox, "gateway-1");
const enter = (change = {}) => HandAgent.welcomed(outside, stolen, change);

function claim(id: string, change: Partial<ResourceReport> = {}): ResourceReport {
  return { id, hash: HASH, state: "in-sync", since: 1, changes: [], findings: [], ...change };
}

function run(change: Partial<RunRecord> = {}): RunRecord {
  const now = Date.now();
  const ids = { id: randomUUID(), passId: randomUUID(), epoch: 1, generation: 1 };
  const what = { resource: "gateway.container", resourceHash: HASH, cause: "event" } as const;
  const end = { phase: "done", outcome: "repaired", code: null, reason: null, startedAt: now, endedAt: now } as const;
  return { ...ids, ...what, ...end, changes: [], ...change };
}

async function firstRun(): Promise<RunView> {
  return world.until("Ollama's agent has made a run", 20_000, async () => {
    const ended = (await world.runs("ollama-1")).filter(({ phase }) => phase === "done");
    return ended[0] ?? false;
  });
}

t.test("it reports for itself alone", async (t) => {
  const victim = await firstRun();
  const agent = await enter({ report: reportOf({ resources: [claim(MODEL), claim("ollama.service")] }) });
  const told = "ollama-1 lies";
  agent.say("records", {
    runs: [run({ id: victim.id, resource: victim.resource, outcome: "failed", reason: told })],
    audit: [],
  });
  agent.say("log", { runId: victim.id, seq: 0, at: 1, data: told });
  agent.say("log", { runId: victim.id, seq: 900, at: 1, data: told });
  // A name of another node beside the body is a field that nobody knows.
  agent.say("report", { ...reportOf({ resources: [claim("ollama.service", { reason: told })] }), node: "ollama-1" });
  agent.say("records", { runs: [], audit: [{ id: randomUUID(), at: 1, who: "root", what: told }] });
  await agent.settled();
  const runs = await world.runs("ollama-1");
  t.match(
    runs.find(({ id }) => id === victim.id),
    { node: "ollama-1", outcome: victim.outcome, text: victim.text },
  );
  t.notOk((await world.runs("gateway-1")).some(({ id }) => id === victim.id));
  const log = await world.client.call(runLogRoute, { params: { id: victim.id }, query: {} });
  t.notOk(log.chunks.some(({ data }) => data.includes(told)));
  t.notOk((await world.resources("ollama-1")).some(({ text }) => text?.includes(told)));
  const { audit } = await world.client.call(auditRoute, { query: {} });
  t.strictSame(
    audit.filter(({ what }) => what === told).map(({ node }) => node),
    ["gateway-1"],
    "what was done on a machine is told under that machine's name",
  );
  await agent.close();
});

t.test("it changes nobody's parameters and opens nobody's gate", async (t) => {
  const generations = async () =>
    (await world.status()).nodes.map(({ node, generation }) => [node, generation.desired]);
  const gateOf = async () =>
    (await world.client.call(resourceRoute, { params: { node: "gitlab-1" }, query: { id: "gitlab.model[mistral]" } }))
      .gate;
  await sandbox.agents["ollama-1"].stop();
  // GitLab's version rightly gives the gateway its image; what comes after that would be the hostile agent's doing.
  await world.until("the gateway knows GitLab's version", 30_000, async () => {
    return (await generations()).some(([node, generation]) => node === "gateway-1" && generation === 2);
  });
  const before = await generations();
  const gate = await gateOf();
  const facts = { gitlabVersion: "99.9.9-ee", ollamaVersion: "9.9.9", hostname: "gitlab-1", address: "203.0.113.9" };
  const lies = [claim(MODEL), claim("ollama.listening"), claim("gitlab.answers[mistral]"), claim("gitlab.ready")];
  const agent = await enter({ roles: ["gitlab", "ollama"], report: reportOf({ facts, resources: lies }) });
  for (const generation of [1, 7, 1_000_000]) {
    const desired = { epoch: 1, generation, hash: HASH, state: "accepted" } as const;
    agent.say("report", reportOf({ desired, facts, resources: lies }));
    await agent.settled();
  }
  // Its own may rise above what it says to hold, which is nobody else's matter.
  const others = (all: Awaited<ReturnType<typeof generations>>) => all.filter(([node]) => node !== "gateway-1");
  t.strictSame(others(await generations()), others(before));
  t.strictSame(await gateOf(), gate);
  const { facts: kept } = await world.client.call(nodeRoute, { params: { node: "gitlab-1" } });
  t.not((kept as Record<string, unknown>).gitlabVersion, facts.gitlabVersion);
  await agent.close();
  sandbox.agents["ollama-1"].start();
  await world.until("ollama-1 is back", 20_000, async () => (await world.node("ollama-1")).connection === "connected");
});

t.test("its certificate opens no other door", async (t) => {
  const status = (path: string, method = "GET") =>
    new Promise<number>((resolve, reject) => {
      const { ca, certificate, coordinatorName } = stolen.answer;
      const tls = { ca, cert: certificate, key: stolen.key, servername: coordinatorName };
      request({ host: outside, port: API_PORT, path, method, agent: false, ...tls }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on("error", reject)
        .end();
    });
  t.equal(await status("/v1/status"), 401);
  t.equal(await status("/v1/repair", "POST"), 401);
  t.equal(await status("/v1/nodes/ollama-1", "DELETE"), 401);
});

const wrapped = (type: string, body: string): string => `{"v":1,"type":"${type}","id":"1","body":${body}}`;
const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;
const big = (bytes: number) => wrapped("report", JSON.stringify(reportOf()) + " ".repeat(bytes));

const FRAMES: readonly (readonly [string, string | Buffer, RegExp])[] = [
  ["not JSON", "{", /^link.bad-frame$/],
  ["no envelope", "[]", /^link.bad-frame$/],
  ["half a frame", wrapped("report", "{}").slice(0, -9), /^link.bad-frame$/],
  ["no protocol", '{"v":-1,"type":"ping","id":"1","body":{"at":1}}', /^link.bad-frame$/],
  ["a wrong type", wrapped("report", '{"resources":"all"}'), /^link.bad-frame$/],
  [
    "a resource id of its own making",
    wrapped("report", JSON.stringify(reportOf({ resources: [claim("../x")] }))),
    /^link.bad-frame$/,
  ],
  ["deeply nested", wrapped("ping", deep), /^link.bad-frame$/],
  ["brackets without end", "[".repeat(900_000), /^link.bad-frame$/],
  ["binary", Buffer.alloc(1000, 7), /^link.bad-frame$/],
  ["a second hello", wrapped("hello", "{}"), /^link.bad-frame$/],
  ["a report over its limit", big(300_000), /^link.report-too-large$/],
  ["a frame over a MiB", big(1_100_000), /^(none|link.bad-frame)$/],
  ["a frame of 64 MiB", big(64 * 1024 * 1024), /^(none|link.bad-frame)$/],
];

t.test("malformed and oversized frames end its own connection", async (t) => {
  for (const [name, frame, code] of FRAMES) {
    const agent = await enter();
    agent.socket.send(frame);
    t.match(await agent.ended(), code, name);
  }
  for (const node of ["gitlab-1", "ollama-1"] as const) t.equal((await world.node(node)).connection, "connected", node);
  const { events } = await world.client.call(eventsRoute, { query: { node: "gateway-1", limit: 1000 } });
  const told = events.filter(({ code }) => code === "link.bad-frame" && code !== null);
  t.ok(told.length > 0, "and somebody is told");
});

/** Frames as fast as the network takes them; how many so far. */
function flood(agent: HandAgent): { sent: number; stop: () => void } {
  const chunk = "x".repeat(20_000);
  const state = { sent: 0, stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    if (agent.socket.bufferedAmount > 8 * 1024 * 1024 || agent.socket.readyState !== agent.socket.OPEN) return;
    for (let at = 0; at < 200; at += 1) {
      state.sent += 1;
      agent.say("log", { runId: randomUUID(), seq: 0, at: 1, data: chunk });
      agent.say("report", reportOf({ facts: { hostname: `h${state.sent}` } }));
      agent.say("metrics", { at: 1, values: { load1: state.sent } });
    }
  }, 20);
  return state;
}

t.test("a flood is slowed down, and nobody else waits", async (t) => {
  const pid = must(sandbox.coordinator.pid, "the coordinator's process");
  const agent = await enter();
  const flooding = flood(agent);
  t.teardown(flooding.stop);
  const startedAt = performance.now();
  await sandbox.fettleAgent("ollama-1", ["pause", "--reason", "there is a flood"]);
  await world.until("another agent's word comes through", 3_000, async () => {
    const { pauses } = await world.client.call(nodeRoute, { params: { node: "ollama-1" } });
    return pauses.length > 0;
  });
  const waits: number[] = [];
  while (performance.now() - startedAt < 5_000) {
    const askedAt = performance.now();
    await world.status();
    waits.push(performance.now() - askedAt);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  flooding.stop();
  waits.sort((a, b) => a - b);
  const p95 = must(waits[Math.floor(waits.length * 0.95)], "waits");
  t.ok(p95 < 500, `the API answers within ${p95.toFixed(0)} ms`);
  t.ok(rssMiB(pid) < 200, `the coordinator holds ${rssMiB(pid)} MiB`);
  const stored = agent.frames.filter(({ type }) => type === "logAck").length;
  t.ok(stored <= 60 + 20 * 6, `${stored} log frames were taken in 5 s`);
  t.ok(flooding.sent > 2 * stored, `of ${flooding.sent}`);
  agent.socket.terminate();
  const database = statSync(join(sandbox.layout.folder, "coordinator/data/fettle.db")).size;
  t.ok(database < 60e6, `${database} bytes of database`);
  await sandbox.fettleAgent("ollama-1", ["resume"]);
});

t.test("the other agents are as they were", async (t) => {
  for (const node of ["gitlab-1", "ollama-1"] as const) {
    const { connection, stale, behind } = await world.node(node);
    t.match({ connection, stale, behind }, { connection: "connected", stale: false, behind: false }, node);
  }
});

function rssMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024);
}

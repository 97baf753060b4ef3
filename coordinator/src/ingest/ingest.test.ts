import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { UpdateState } from "@fettle/shared/protocol/agent-status.ts";
import type { Health } from "@fettle/shared/protocol/health.ts";
import type { Hello } from "@fettle/shared/protocol/hello.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import { pino } from "pino";
import t, { type Test } from "tap";
import type { Peer } from "../hub/peer.ts";
import type { EventRow } from "../store/events.ts";
import type { IdentityRow } from "../store/identities.ts";
import { openStore, type Store } from "../store/store.ts";
import { EventFeed, nextId } from "./event-feed.ts";
import { Ingest } from "./ingest.ts";
import { NODE_AUDIT_BYTES, NODE_BYTES } from "./quota.ts";
import { transitions } from "./transitions.ts";

const HASH = "a".repeat(64);
const START = 1_700_000_000_000;
const OLLAMA: Peer = { node: "ollama-1", stack: "duo" };
const GATEWAY: Peer = { node: "gateway-1", stack: "duo" };

class HandClock {
  at = START;
  now(): number {
    return this.at;
  }
  mono(): number {
    return this.at;
  }
  random(): number {
    return 0;
  }
  async sleep(): Promise<void> {}
}

interface World {
  readonly ingest: Ingest;
  readonly store: Store;
  readonly clock: HandClock;
  readonly events: EventFeed;
  readonly touched: string[];
  readonly published: EventRow[];
}

async function world(test: Test): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "fettle-ingest-"));
  const store = await openStore(join(root, "fettle.db"));
  test.teardown(async () => {
    await store.close();
    await rm(root, { recursive: true, force: true });
  });
  await store.stacks.put({ stack: "duo", basedOn: 0, spec: "{}", source: "", at: START });
  for (const { node } of [OLLAMA, GATEWAY]) await store.nodes.ensure(node, "duo", "[]");
  const clock = new HandClock();
  const events = await EventFeed.open(store, clock);
  const [touched, published]: [string[], EventRow[]] = [[], []];
  events.subscribe((event) => published.push(event));
  const logger = pino({ level: "silent" });
  const ingest = new Ingest({ store, clock, logger, events, touch: (node) => touched.push(node) });
  return { ingest, store, clock, events, touched, published };
}

function resource(id: string, change: Partial<ResourceReport> = {}): ResourceReport {
  return { id, hash: HASH, state: "in-sync", since: START, changes: [], findings: [], ...change };
}

function report(resources: readonly ResourceReport[], change: Partial<Report> = {}): Report {
  return { desired: null, facts: {}, resources: [...resources], health: null, ports: [], pauses: [], ...change };
}

const HEALTH: Health = {
  state: "ok",
  gpus: [],
  gpuState: "absent",
  disks: [],
  memoryTotalBytes: 1,
  memoryAvailableBytes: 1,
  load1: 0,
  certificates: [],
  findings: [],
};

const drifted = resource("ollama.service", { state: "drifted", code: "agent.observing", reason: "observe" });
const contended = resource("ollama.service", { state: "contended", code: "agent.contended" });
const desired = {
  epoch: 1,
  generation: 2,
  hash: HASH,
  state: "rejected",
  code: "agent.too-old",
  reason: "env",
} as const;
const pause = { scope: "node", reason: "work", until: null, at: 5 };
const found = (code: string) => ({ code, args: { resource: "x", problem: "y" } });

/** Before, after, and the events as `kind severity resource`. */
const TRANSITIONS: [string, Report | null, Report, string[]][] = [
  ["a first report in order", null, report([resource("ollama.service")]), []],
  ["a first report with a drift", null, report([drifted]), ["resource.state info ollama.service"]],
  ["nothing changed", report([drifted]), report([{ ...drifted, since: START + 1 }]), []],
  ["a drift", report([resource("ollama.service")]), report([drifted]), ["resource.state info ollama.service"]],
  ["its end", report([drifted]), report([resource("ollama.service")]), ["resource.state info ollama.service"]],
  [
    "another code",
    report([drifted]),
    report([{ ...drifted, code: "agent.paused" }]),
    ["resource.state info ollama.service"],
  ],
  ["contended", report([drifted]), report([contended]), ["resource.state critical ollama.service"]],
  [
    "failed without a grave code",
    report([drifted]),
    report([{ ...drifted, state: "failed" }]),
    ["resource.state warning ollama.service"],
  ],
  [
    "a code of a newer agent",
    report([]),
    report([{ ...drifted, code: "ollama.service.new-one" }]),
    ["resource.state warning ollama.service"],
  ],
  ["a resource gone from the report", report([drifted]), report([]), []],
  [
    "a finding comes",
    report([resource("ollama.service")]),
    report([resource("ollama.service", { findings: [found("agent.observe-failed"), found("agent.paused")] })]),
    ["finding.raised warning ollama.service"],
  ],
  [
    "a finding goes",
    report([], { health: { ...HEALTH, findings: [found("agent.host-unsupported")] } }),
    report([], { health: HEALTH }),
    ["finding.cleared info "],
  ],
  [
    "health",
    report([], { health: HEALTH }),
    report([], { health: { ...HEALTH, state: "critical" } }),
    ["health.state critical "],
  ],
  ["refused parameters", report([]), report([], { desired }), ["desired.rejected critical "]],
  ["the same refusal again", report([], { desired }), report([], { desired }), []],
  ["a local pause", report([]), report([], { pauses: [pause] }), ["pause.set info "]],
  ["its end", report([], { pauses: [pause] }), report([]), ["pause.ended info "]],
];

t.test("what a report says that the one before did not", async (t) => {
  for (const [name, before, after, expected] of TRANSITIONS) {
    const events = transitions(OLLAMA, before, after);
    t.same(
      events.map(({ kind, severity, resource: id }) => `${kind} ${severity ?? "info"} ${id ?? ""}`),
      expected,
      name,
    );
    t.ok(events.every(({ node, stack, text }) => node === "ollama-1" && stack === "duo" && text.length > 5));
  }
});

t.test("a report is stored whole, its facts kept, its events published, its node looked at", async (t) => {
  const { ingest, store, touched, published } = await world(t);
  await ingest.onReport(OLLAMA, report([drifted], { facts: { ollamaVersion: "0.32.15", hostname: "o" } }));
  await ingest.onReport(OLLAMA, report([resource("ollama.service")], { facts: { hostname: "o" } }));
  t.match(JSON.parse((await store.reports.get("ollama-1"))?.body ?? ""), { resources: [{ state: "in-sync" }] });
  t.same(
    (await store.facts.ofNode("ollama-1")).map(({ name }) => name),
    ["hostname", "ollamaVersion"],
    "unknown now, kept",
  );
  t.match(published, [{ text: /is drifted/ }, { text: "ollama.service went from drifted to in-sync" }]);
  t.same(await store.events.list({ after: "", limit: 9 }), published);
  t.same(touched, ["ollama-1", "ollama-1"]);
});

t.test("a release that a machine took back is known for that, until it is asked for again", async (t) => {
  const { ingest, store, clock } = await world(t);
  const ask = (token: string, version: string) =>
    store.updates.add({
      ...{ token, version, stack: "duo", nodes: "[]", by: "test", at: clock.at },
      ...{ cancelledAt: null, takenBackAt: null },
    });
  const says = async (token: string, version: string, state: UpdateState) => {
    clock.at += 1000;
    const update = { token, version, state, from: "0.1.0", at: clock.at };
    const agent = { version: "0.1.0", dev: false, update, trusts: [], certificateExpiresAt: null, observing: null };
    await ingest.onReport(OLLAMA, report([], { agent }));
    return [...(await store.updates.takenBackVersions())];
  };
  await ask("one", "0.2.0");
  await ask("two", "0.3.0");
  t.same(await says("two", "0.3.0", "trial"), []);
  t.same(await says("nobody's", "0.2.0", "rolled-back"), [], "nobody asked it that");
  t.same(await says("one", "9.9.9", "rolled-back"), [], "nor that");
  t.same(await says("two", "0.3.0", "rolled-back"), ["0.3.0"]);
  t.same(await says("one", "0.2.0", "done"), ["0.3.0"]);
  await ask("three", "0.3.0");
  t.same(await says("three", "0.3.0", "done"), []);
});

t.test("who a certificate belongs to", async (t) => {
  const { ingest, store } = await world(t);
  const row = (fingerprint: string, change: Partial<IdentityRow> = {}): IdentityRow => ({
    fingerprint,
    ...OLLAMA,
    nodeId: "id-1",
    keyHash: "",
    machineId: "",
    instanceId: null,
    productUuid: null,
    roles: null,
    issuedAt: 0,
    notAfter: START + 1,
    revokedAt: null,
    usedAt: 0,
    ...change,
  });
  await store.nodes.register("ollama-1", "id-1", START);
  await store.identities.add(row("good"));
  await store.identities.add(row("revoked", { revokedAt: 1 }));
  await store.identities.add(row("expired", { notAfter: START }));
  await store.identities.add(row("older", { nodeId: "id-0" }));
  await store.identities.add(row("removed", { node: "gone", nodeId: "id-9" }));
  await store.identities.add(row("moved", { stack: "other" }));
  const cases: [string, string, string][] = [
    ["good", "id-1", "ollama-1"],
    ["good", "id-2", "identity.unknown"],
    ["none", "id-1", "identity.unknown"],
    ["revoked", "id-1", "identity.revoked"],
    ["expired", "id-1", "identity.expired"],
    ["older", "id-0", "identity.superseded"],
    ["removed", "id-9", "identity.superseded"],
    ["moved", "id-1", "identity.superseded"],
  ];
  for (const [fingerprint, commonName, expected] of cases) {
    const result = await ingest.identify({ fingerprint, commonName }).then(
      ({ node }) => node,
      (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
    );
    t.equal(result, expected, `${fingerprint} ${commonName}`);
  }
  const HOUR = 60 * 60_000;
  await store.restores.add({ epoch: 2, madeAt: START - 5 * HOUR, restoredAt: START - HOUR });
  const made = (hoursAgo: number) => ({ notBefore: START - (hoursAgo + 1) * HOUR, notAfter: START + 1, keyHash: "k" });
  const since: [string, string, number, string][] = [
    ["before-the-backup", "id-1", 6, "identity.unknown"],
    ["after-the-restore", "id-1", 0, "identity.unknown"],
    ["another-agent's", "id-7", 2, "identity.unknown"],
    ["renewed-in-between", "id-1", 2, "ollama-1"],
  ];
  for (const [fingerprint, commonName, hoursAgo, expected] of since) {
    const result = await ingest.identify({ fingerprint, commonName, made: made(hoursAgo) }).then(
      ({ node }) => node,
      (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
    );
    t.equal(result, expected, `${fingerprint}: what was issued between a backup and its restore counts`);
  }
  t.match(await store.identities.get("renewed-in-between"), { node: "ollama-1", keyHash: "k", revokedAt: null });
  await store.identities.revoke("ollama-1", START);
  const late = ingest.identify({ fingerprint: "late", commonName: "id-1", made: made(2) });
  await t.rejects(late, { code: "identity.unknown" }, "not of a node whose own was revoked");
});

const RUN: RunRecord = {
  id: randomUUID(),
  passId: randomUUID(),
  epoch: 1,
  generation: 1,
  resource: "ollama.service",
  resourceHash: HASH,
  cause: "event",
  changes: [],
  phase: "done",
  outcome: "repaired",
  code: null,
  reason: null,
  startedAt: START,
  endedAt: START + 2500,
};

t.test("records: once, whatever is sent again, and only one's own", async (t) => {
  const { ingest, store, published } = await world(t);
  const audit = [{ id: randomUUID(), at: START, who: "root", what: "pause node" }];
  for (const runs of [[{ ...RUN, phase: "intended", outcome: null } as const], [RUN], [RUN]]) {
    await ingest.onRecords(OLLAMA, { runs, audit });
  }
  await ingest.onRecords(GATEWAY, { runs: [{ ...RUN, outcome: "failed" }], audit: [] });
  t.match(await store.runs.list({ limit: 9 }), [{ node: "ollama-1", outcome: "repaired" }]);
  t.equal((await store.audit.list({ limit: 9 })).length, 1);
  t.match(
    published.map(({ text }) => text),
    ["run of ollama.service repaired after 2.5 s"],
  );
  t.equal(published.length, 1);
  await ingest.onLog(GATEWAY, { runId: RUN.id, seq: 0, at: START, data: "forged" });
  await ingest.onLog(OLLAMA, { runId: RUN.id, seq: 0, at: START + 99, data: "real" });
  await ingest.onLog(OLLAMA, { runId: RUN.id, seq: 0, at: START, data: "again" });
  const early = randomUUID();
  await ingest.onLog(OLLAMA, { runId: early, seq: 0, at: START, data: "before its record" });
  await ingest.onLog(GATEWAY, { runId: early, seq: 1, at: START, data: "forged" });
  t.match(await store.logs.ofRun(RUN.id, -1, 9), [{ node: "ollama-1", data: "real", at: START }]);
  t.equal((await store.logs.ofRun(RUN.id, -1, 9)).length, 1);
  t.match(await store.logs.ofRun(early, -1, 9), [{ data: "before its record" }]);
  t.equal((await store.logs.ofRun(early, -1, 9)).length, 1);
});

t.test("a node's quota: its own oldest give way, nobody else's, and audit has a limit", async (t) => {
  const { ingest, store } = await world(t);
  const old = { stack: "duo", seq: 0, data: "x", at: 1 };
  await store.logs.add({ ...old, runId: "neighbour", node: "gateway-1", bytes: NODE_BYTES });
  await store.logs.add({ ...old, runId: "oldest", node: "ollama-1", bytes: NODE_BYTES - 1000 });
  await store.logs.add({ ...old, runId: "newer", node: "ollama-1", bytes: 999, at: 2 });
  await ingest.onLog(OLLAMA, { runId: randomUUID(), seq: 0, at: START, data: "0123456789" });
  t.same([await store.logs.bytesOfNode("ollama-1"), await store.logs.bytesOfNode("gateway-1")], [1009, NODE_BYTES]);
  const big = { runId: RUN.id, at: START, data: "x".repeat(64 * 1024) };
  for (let seq = 0; seq < 70; seq += 1) await ingest.onLog(OLLAMA, { ...big, seq });
  t.equal(
    await store.logs.bytesOfRun(RUN.id),
    4 * 1024 * 1024,
    "4 MiB of one run, the rest is acknowledged and dropped",
  );
  await store.audit.add({ id: "1", ...OLLAMA, at: 1, who: "", what: "", receivedAt: 1, bytes: NODE_AUDIT_BYTES });
  await ingest.onRecords(OLLAMA, { runs: [], audit: [{ id: randomUUID(), at: 1, who: "root", what: "spam" }] });
  await ingest.onRecords(GATEWAY, { runs: [], audit: [{ id: randomUUID(), at: 1, who: "root", what: "resume" }] });
  t.match((await store.audit.list({ limit: 9 })).map(({ what }) => what).sort(), ["", "resume"]);
});

t.test("an agent that floods the events is cut short with one that says so", async (t) => {
  const { ingest, clock, published } = await world(t);
  const ids = Array.from({ length: 400 }, (_, at) => `ollama.model[m${at}]`);
  const all = (state: "drifted" | "failed") => report(ids.map((id) => resource(id, { state })));
  await ingest.onReport(OLLAMA, all("drifted"));
  t.equal(published.length, 301);
  t.equal(published.at(-1)?.kind, "node.noisy");
  await ingest.onReport(OLLAMA, all("failed"));
  t.equal(published.length, 301);
  await ingest.onReport(GATEWAY, report([drifted]));
  t.equal(published.at(-1)?.node, "gateway-1", "others are heard");
  clock.at += 60_000;
  await ingest.onReport(OLLAMA, report([drifted]));
  t.equal(published.length, 303);
});

t.test("a removed node's last words change nothing", async (t) => {
  const { ingest, store } = await world(t);
  await store.nodes.remove("ollama-1");
  const hello: Hello = {
    version: "1",
    protocol: 1,
    capabilities: [],
    roles: [],
    machineId: "m",
    bootId: "b",
    instanceId: "",
    wallMs: START,
    monoMs: 0,
    report: report([drifted]),
  };
  await ingest.onHello(OLLAMA, hello);
  await ingest.onMetrics(OLLAMA, { at: 1, values: { load: 1 } });
  t.equal(await store.reports.get("ollama-1"), undefined);
  t.same(await store.facts.ofNode("ollama-1"), []);
});

t.test("connections, refusals and a lost fleet are events; the same refusal is one for ten minutes", async (t) => {
  const { ingest, store, clock, events, published } = await world(t);
  const seen = async (count: number): Promise<void> => {
    while (published.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  ingest.onConnected(OLLAMA);
  await seen(1);
  ingest.onDisconnected(OLLAMA, new FettleError("link.stale", { seconds: 60 }));
  await seen(2);
  const revoked = new FettleError("identity.revoked", { node: "ollama-1" });
  ingest.onRefused(null, revoked);
  ingest.onRefused(null, revoked);
  await seen(3);
  clock.at += 600_000;
  ingest.onRefused(null, revoked);
  ingest.onFleetLost(2, 3);
  await seen(5);
  t.same(
    published.map(({ kind, code, node, stack }) => [kind, code, node, stack]),
    [
      ["node.connected", null, "ollama-1", "duo"],
      ["node.disconnected", "link.stale", "ollama-1", "duo"],
      ["node.rejected", "identity.revoked", "ollama-1", "duo"],
      ["node.rejected", "identity.revoked", "ollama-1", "duo"],
      ["fleet.lost", "link.fleet-lost", null, "duo"],
    ],
  );
  t.same(
    [...published].sort((a, b) => (a.id < b.id ? -1 : 1)),
    published,
    "ids sort as they happened",
  );
  clock.at -= 3_600_000;
  await (await EventFeed.open(store, clock)).record({ stack: "duo", kind: "stack.applied", text: "after a restart" });
  t.match(await store.events.list({ limit: 1 }), [{ text: "after a restart" }], "also when the clock went back");
  t.ok(nextId("", 5) < nextId(nextId("", 5), 5) && nextId(nextId("", 5), 5) < nextId("", 6));
  t.ok(events);
});

t.test("metrics carry this clock, and not more often than wanted", async (t) => {
  const { ingest, store, clock } = await world(t);
  for (let count = 0; count < 3; count += 1) await ingest.onMetrics(OLLAMA, { at: 9e15, values: { load: count } });
  clock.at += 5000;
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`m${at}`, at]));
  await ingest.onMetrics(OLLAMA, { at: 0, values: many });
  const kept = await store.metrics.range("ollama-1", 0, 9e15);
  t.same(
    kept.map(({ at }) => at),
    [START, START + 5000],
  );
  t.equal(Object.keys(JSON.parse(kept[1]?.values ?? "{}")).length, 500);
});

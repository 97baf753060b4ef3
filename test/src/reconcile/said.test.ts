import { RunLog } from "@fettle/agent/reconcile/run-log.ts";
import type { Verdict } from "@fettle/agent/resources/resource.ts";
import { Secrets } from "@fettle/agent/secrets.ts";
import { openStore } from "@fettle/agent/store/store.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { report } from "@fettle/shared/protocol/report.ts";
import { resourceReport } from "@fettle/shared/protocol/resource-report.ts";
import { runRecord } from "@fettle/shared/protocol/run-record.ts";
import t from "tap";
import { LIMITS, makeBench } from "./harness.ts";

/** What the harness takes for a secret. */
const CANARY = "hunter2";
const LONG = `${CANARY} ${"x".repeat(3_000)}`;
const ENFORCE = { mode: "enforce" as const, pauses: [], contention: LIMITS };
const changes = Array.from({ length: 60 }, (_, at) => ({ what: `${at} ${LONG}`, from: LONG, to: LONG }));
const finding = { code: "ollama.listening.exposed" as const, args: { address: LONG } };

const verdicts: Record<string, Verdict> = {
  drift: { kind: "drift", changes, disturbs: "none", breaking: false, findings: Array(60).fill(finding) },
  blocked: { kind: "blocked", code: "ollama.listening.port-held", args: { address: LONG, holder: LONG }, changes },
  waiting: { kind: "waiting", code: "gitlab.writable.readonly", args: { why: LONG }, changes },
  unknown: { kind: "unknown", code: "agent.in-transit", args: { what: LONG, state: LONG } },
  "in-sync": { kind: "in-sync", findings: [finding] },
};

for (const [kind, verdict] of Object.entries(verdicts))
  t.test(`${kind}: what is said and journalled has no secret, and the length that the wire takes`, async (t) => {
    const bench = makeBench();
    const bad = bench.resource("a.bad", "x", {
      diff: () => verdict,
      facts: () => ({ gitlabVersion: LONG, ollamaVersion: "0.32.15", stranger: "x" }),
      apply: async (_ctx, given, _signal, reporter) => {
        t.equal(given[0]?.to, LONG, "a repair gets the values as they are");
        reporter.progress({ text: LONG });
        reporter.log(`${LONG}\n`);
        throw new FettleError("ollama.listening.port-held", { address: LONG, holder: LONG });
      },
    });
    bench.set([bad], { policy: ENFORCE });
    await bench.clock.advance(0);
    const said = [bench.state("a.bad")];
    await bench.clock.advance(60_000);
    said.push(bench.state("a.bad"));
    for (const one of said)
      t.ok(resourceReport.safeParse(one).success, JSON.stringify(resourceReport.safeParse(one).error));
    for (const one of bench.store.runs.recent(50)) t.ok(runRecord.safeParse(one).success, "run");
    const logs = bench.store.runs.recent(50).flatMap(({ id }) => bench.store.logs.of(id));
    t.notMatch(JSON.stringify([said, bench.store.runs.recent(50), logs]), CANARY);
    t.same(bench.loop.facts(), { ollamaVersion: "0.32.15" }, "only what the wire takes for a fact");
    await bench.stop();
  });

t.test("contention keeps no secret, though it goes by the values as they are", async (t) => {
  const bench = makeBench();
  const change = (found: string) => [{ what: "token", from: `${CANARY} ${found}`, to: "x" }];
  const file = bench.resource("a.file", "x", {
    diff: (found) =>
      found === "x"
        ? { kind: "in-sync" }
        : { kind: "drift", changes: change(found), disturbs: "none", breaking: false },
  });
  bench.set([file], { policy: ENFORCE });
  for (let round = 0; round < 8; round += 1) {
    bench.world.set("a.file", "y");
    bench.loop.wake("event");
    await bench.clock.advance(5_000);
  }
  t.match(bench.state("a.file"), { state: "contended", args: { value: "[redacted] y" } });
  t.notMatch(bench.store.kept.get("a.file", "contended") ?? "", CANARY);
  await bench.stop();
});

t.test("a report of much is one that the wire takes", async (t) => {
  const bench = makeBench();
  for (let round = 0; round < 20; round += 1) {
    bench.set(Array.from({ length: 20 }, (_, at) => bench.resource(`a.file[${round}-${at}]`, "x")));
    await bench.clock.advance(1_000);
  }
  const resources = bench.loop.resources();
  t.ok(resources.length <= 20 + 50, `${resources.length} resources: not all that was ever released`);
  const all = { desired: null, facts: {}, resources, health: null, ports: [], pauses: [] };
  t.ok(report.safeParse(all).success);
  await bench.stop();
});

const TOKEN = "glpat-0123456789abcdefghij";
const logs: Array<[name: string, writes: readonly string[], wanted: RegExp | string]> = [
  ["lines", ["one\ntwo\n"], "one\ntwo\n"],
  ["a terminal's lines, none of them lost", ["one\r\ntwo\r\nthree\r\n"], "one\ntwo\nthree\n"],
  ["a line's end in two writes", ["one\r", "\ntwo\r", "\n"], "one\ntwo\n"],
  ["twice translated", ["one\r\r\ntwo\r\r\n"], "one\ntwo\n"],
  ["a progress bar is one line a second", ["1 %\r2 %\r3 %\r\rdone\n"], "1 %\ndone\n"],
  ["colours and what turns the reading direction", ["\u001b[31mred\u001b[0m \u202eevil\n"], "red evil\n"],
  ["no line feed at the end", ["one\ntw", "o"], "one\ntwo\n"],
  ["empty lines", ["\n\n\r\n one\n"], " one\n"],
  ["a secret in pieces", [TOKEN.slice(0, 10), `${TOKEN.slice(10)}\n`], "[redacted]\n"],
  [
    "a secret where a long line is parted",
    ["x".repeat(16_370), TOKEN, "x".repeat(9_000), "\n"],
    /^[x\n]+\[redacted\][x\n]+$/,
  ],
  ["a secret where a very long line is parted", [`${"x".repeat(40_000)}${TOKEN}`, `${TOKEN}\n`], /redacted/],
];

for (const [name, writes, wanted] of logs)
  t.test(`a run's log: ${name}`, async (t) => {
    const { logs } = openStore(":memory:");
    const secrets = new Secrets();
    secrets.add(TOKEN);
    const options = { runId: "r1", logs, now: () => 0, mono: () => 0, onAppend: () => undefined };
    const log = new RunLog({ ...options, cut: (text) => secrets.cut(text), onLost: (error) => t.fail(String(error)) });
    for (const text of writes) log.write(text);
    log.end();
    const chunks = logs.of("r1");
    const text = chunks.map(({ data }) => data).join("");
    if (typeof wanted === "string") t.equal(text, wanted);
    else t.match(text, wanted);
    for (let at = 0; at + 8 <= TOKEN.length; at += 4) t.notOk(text.includes(TOKEN.slice(at, at + 8)), "no part of it");
    t.notMatch(text, "\r");
  });

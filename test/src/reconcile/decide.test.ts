import { type Decision, decide, type Situation } from "@fettle/agent/reconcile/decide.ts";
import { comesAfter, order } from "@fettle/agent/reconcile/order.ts";
import { pauseOf } from "@fettle/agent/reconcile/pause.ts";
import { define } from "@fettle/agent/resources/define.ts";
import type { Verdict } from "@fettle/agent/resources/resource.ts";
import t from "tap";

const CALM: Situation = {
  id: "ollama.service",
  pause: null,
  frozen: null,
  mode: "enforce",
  contended: null,
  away: false,
  gate: null,
  blockedBy: null,
  backoffMs: 0,
  problem: "It failed.",
  atWork: 0,
  busy: null,
  drainMs: 600_000,
  driftMs: 0,
};
const DRIFT: Verdict = {
  kind: "drift",
  changes: [{ what: "OLLAMA_HOST", from: "a", to: "b" }],
  disturbs: "service",
  breaking: false,
};
const BREAKING: Verdict = { ...DRIFT, breaking: true };
const pause = { scope: "ollama", reason: "work", by: "ada", until: null };
const gate = { resource: "ollama.service", fact: "gateway.ready", open: false, stuck: false };

const cases: Array<
  [name: string, verdict: Verdict, at: Partial<Situation>, wanted: Partial<Decision> & { code?: string; args?: object }]
> = [
  ["nothing in the way", DRIFT, {}, { act: true }],
  ["in sync needs nothing", { kind: "in-sync" }, { pause }, { act: false, state: "in-sync" }],
  [
    "blocked stays blocked under pause",
    { kind: "blocked", code: "ollama.service.masked", args: {} },
    { pause },
    { state: "blocked" },
  ],
  ["unknown never acts", { kind: "unknown", code: "agent.in-transit", args: {} }, {}, { state: "unknown" }],
  [
    "a pause is above everything",
    DRIFT,
    { pause, mode: "observe", contended: {} },
    { state: "paused", code: "agent.paused" },
  ],
  [
    "a pause on the machine says that it is there",
    DRIFT,
    { pause: { ...pause, scope: "*", by: null } },
    { state: "paused", code: "agent.paused-here", args: { what: "everything" } },
  ],
  ["observe only reports", DRIFT, { mode: "observe", contended: {} }, { state: "drifted", code: "agent.observing" }],
  ["contended comes before gates", DRIFT, { contended: {}, gate }, { state: "contended" }],
  ["no change while the coordinator is long away", DRIFT, { away: true }, { code: "agent.no-coordinator" }],
  ["but what is down is started", { ...BREAKING, restartOnly: true }, { away: true }, { act: true }],
  ["a shut gate waits", DRIFT, { gate }, { state: "waiting", code: "agent.gated" }],
  [
    "a stuck gate is blocked",
    DRIFT,
    { gate: { ...gate, stuck: true } },
    { state: "blocked", code: "agent.gate-stuck" },
  ],
  ["an open gate is none", DRIFT, { gate: { ...gate, open: true } }, { act: true }],
  [
    "what comes before must be in sync",
    DRIFT,
    { blockedBy: "ollama.drop-in" },
    { state: "waiting", code: "agent.after" },
  ],
  ["backoff is failed", DRIFT, { backoffMs: 3000 }, { state: "failed", code: "agent.failed-backoff" }],
  ["jobs of one kind take turns", DRIFT, { atWork: 3 }, { state: "waiting", code: "agent.in-line" }],
  ["users are waited for", DRIFT, { busy: { connections: 2 } }, { state: "waiting", code: "agent.busy" }],
  ["also within drain when breaking", BREAKING, { busy: { connections: 2 }, driftMs: 599_999 }, { state: "waiting" }],
  ["after drain a breaking drift is repaired", BREAKING, { busy: { connections: 2 }, driftMs: 600_000 }, { act: true }],
  [
    "after drain another one still waits",
    DRIFT,
    { busy: { connections: 2 }, driftMs: 9_999_999 },
    { state: "waiting" },
  ],
  ["what disturbs nobody does not wait", { ...DRIFT, disturbs: "none" }, { busy: { connections: 2 } }, { act: true }],
];

t.test("decide", async (t) => {
  for (const [name, verdict, at, wanted] of cases)
    t.match(
      decide(verdict, () => ({ ...CALM, ...at })),
      wanted,
      name,
    );
});

t.test("pauses: the machine before the coordinator, the narrowest first, none after its end", async (t) => {
  const local = [{ scope: "*", reason: "local", until: null, at: 0 }];
  const remote = (scope: string, until: number | null = null) => [{ scope, reason: scope, by: "ada", until }];
  t.match(pauseOf("ollama.service", local, remote("stack"), 10), { by: null });
  for (const scope of ["stack", "ollama-1", "ollama-1/ollama", "ollama-1/ollama.service"])
    t.match(pauseOf("ollama.service", [], remote(scope), 10), { scope }, scope);
  t.equal(pauseOf("ollama.service", [], remote("ollama-1/ollama.drop-in"), 10), null);
  t.equal(pauseOf("ollama.service", [], remote("stack", 10), 10), null, "over");
});

const named = (id: string, after: string[] = []) =>
  define({ id, declared: {}, after, observe: async () => null, diff: () => ({ kind: "in-sync" }) });

t.test("order", async (t) => {
  const ids = (list: ReturnType<typeof order>) => list.map(({ id }) => id);
  t.same(ids(order([named("a.c", ["a.b"]), named("a.b", ["a.a"]), named("a.a")])), ["a.a", "a.b", "a.c"]);
  t.same(ids(order([named("a.b"), named("a.a")])), ["a.b", "a.a"], "the given order stays");
  t.same(ids(order([named("a.a", ["x.gone"])])), ["a.a"], "what is not there is ignored");
  t.throws(() => order([named("a.a", ["a.b"]), named("a.b", ["a.a"])]), /comes after itself/);
  t.throws(() => order([named("a.a"), named("a.a")]), /twice/);
  const byId = new Map([named("a.c", ["a.b"]), named("a.b", ["a.a"]), named("a.a")].map((one) => [one.id, one]));
  t.equal(comesAfter(byId, "a.c", "a.a"), true);
  t.equal(comesAfter(byId, "a.a", "a.c"), false);
});

import { type Decision, decide, MAX_AT_WORK, type Situation } from "@fettle/agent/reconcile/decide.ts";
import { comesAfter, order } from "@fettle/agent/reconcile/order.ts";
import { define } from "@fettle/agent/resources/define.ts";
import type { Resource, Verdict } from "@fettle/agent/resources/resource.ts";
import { codes } from "@fettle/shared/codes/codes.ts";
import { RESOURCE_STATES } from "@fettle/shared/protocol/resource-report.ts";
import fc from "fast-check";
import t from "tap";

/** Resources where each may come after any that are made before it, and after some that are not there; then shuffled. */
const resources = fc
  .array(fc.array(fc.integer({ min: -3, max: 30 }), { maxLength: 4 }), { maxLength: 30 })
  .map((afters) =>
    afters.map((after, at) =>
      named(
        at,
        after.filter((one) => one < at),
      ),
    ),
  )
  .chain((made) => fc.shuffledSubarray(made, { minLength: made.length, maxLength: made.length }));

function named(at: number, after: readonly number[]): Resource {
  const id = (one: number) => `a.kind[${one}]`;
  const look = { observe: async () => null, diff: () => ({ kind: "in-sync" }) as const };
  return define({ id: id(at), declared: at, after: after.map(id), ...look });
}

const ids = (list: readonly Resource[]) => list.map(({ id }) => id);

t.test("order: all of them, each once, each after what it comes after, and the same each time", async () => {
  const holds = (given: readonly Resource[]) => {
    const sorted = ids(order(given));
    if (JSON.stringify(sorted.toSorted()) !== JSON.stringify(ids(given).toSorted())) return false;
    const late = given.some(({ id, after }) => after.some((before) => sorted.indexOf(before) > sorted.indexOf(id)));
    return !late && JSON.stringify(sorted) === JSON.stringify(ids(order(given)));
  };
  fc.assert(fc.property(resources, holds), { numRuns: 500 });
});

t.test("order: what is in order stays as it is, and reordering what is ordered changes nothing", async () => {
  const holds = (given: readonly Resource[]) => {
    const sorted = order(given);
    return JSON.stringify(ids(order(sorted))) === JSON.stringify(ids(sorted));
  };
  fc.assert(fc.property(resources, holds), { numRuns: 300 });
});

t.test("comesAfter: nothing after itself, and never both ways", async () => {
  const holds = (given: readonly Resource[]) => {
    const byId = new Map(given.map((one) => [one.id, one]));
    const after = (later: Resource, one: Resource) => comesAfter(byId, later.id, one.id);
    return given.every((one) => !after(one, one) && given.every((two) => !(after(one, two) && after(two, one))));
  };
  fc.assert(fc.property(resources, holds), { numRuns: 100 });
});

const change = { what: "OLLAMA_HOST", from: "a", to: "b" };
const drifts: fc.Arbitrary<Extract<Verdict, { kind: "drift" }>> = fc.record({
  kind: fc.constant("drift" as const),
  changes: fc.constant([change]),
  disturbs: fc.constantFrom("none", "service"),
  breaking: fc.boolean(),
  restartOnly: fc.boolean(),
});
const coded = { code: fc.constant("agent.in-transit" as const), args: fc.constant({}) };
const others: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constant({ kind: "in-sync" } as const),
  fc.record({ kind: fc.constantFrom("blocked", "waiting", "unknown"), ...coded }),
);

const ms = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000 }));
const situations: fc.Arbitrary<Situation> = fc.record({
  id: fc.constant("ollama.service"),
  frozen: fc.option(fc.constant({ code: "identity.frozen" as const, args: { reason: "two machines" } })),
  pause: fc.option(fc.constant({ scope: "*", reason: "work", by: "ada", until: null })),
  mode: fc.constantFrom("enforce", "observe"),
  contended: fc.option(fc.constant({ what: "it" })),
  away: fc.boolean(),
  gate: fc.option(
    fc.record({
      resource: fc.constant("ollama.service"),
      fact: fc.constant("gateway.ready"),
      open: fc.boolean(),
      stuck: fc.boolean(),
    }),
  ),
  blockedBy: fc.option(fc.constant("ollama.drop-in")),
  backoffMs: ms,
  problem: fc.constant("It failed."),
  atWork: fc.nat({ max: 5 }),
  busy: fc.option(fc.record({ connections: fc.nat({ max: 9 }) })),
  drainMs: ms,
  driftMs: ms,
});

const says = (decision: Decision) =>
  decision.act ||
  (RESOURCE_STATES.includes(decision.state) && (decision.code === undefined || Object.hasOwn(codes, decision.code)));

t.test("decide: says something of everything, and acts on nothing but a drift", async () => {
  const verdicts = fc.oneof(drifts, others);
  fc.assert(fc.property(verdicts, situations, (verdict, at) => says(decide(verdict, () => at))));
  fc.assert(fc.property(others, situations, (verdict, at) => !decide(verdict, () => at).act));
});

/** What must never be acted on, whatever else is the case. */
const never: Record<string, Partial<Situation>> = {
  frozen: { frozen: { code: "identity.frozen", args: { reason: "two machines" } } },
  paused: { pause: { scope: "*", reason: "work", by: "ada", until: null } },
  observed: { mode: "observe" },
  contended: { contended: { what: "it" } },
  gated: { gate: { resource: "ollama.service", fact: "gateway.ready", open: false, stuck: false } },
  "after another": { blockedBy: "ollama.drop-in" },
  "in backoff": { backoffMs: 1 },
  "in line": { atWork: MAX_AT_WORK },
};

for (const [name, fixed] of Object.entries(never))
  t.test(`decide: ${name} is not acted on`, async () => {
    fc.assert(fc.property(drifts, situations, (drift, at) => !decide(drift, () => ({ ...at, ...fixed })).act));
  });

t.test("decide: while the coordinator is long away only what is down is restarted", async () => {
  const changing = drifts.map((drift) => ({ ...drift, restartOnly: false }));
  fc.assert(fc.property(changing, situations, (drift, at) => !decide(drift, () => ({ ...at, away: true })).act));
});

t.test("decide: users are cut only after drain, and only for what is broken for them anyway", async () => {
  const disturbing = drifts.map((drift) => ({ ...drift, disturbs: "service" as const }));
  const busy = situations.map((at) => ({ ...at, busy: { connections: 2 } }));
  const holds = (drift: typeof disturbing extends fc.Arbitrary<infer T> ? T : never, at: Situation) =>
    !decide(drift, () => at).act || (drift.breaking && at.driftMs >= at.drainMs);
  fc.assert(fc.property(disturbing, busy, holds));
});

t.test("decide: with nothing in the way a drift is repaired", async () => {
  const free = { pause: null, mode: "enforce", contended: null, away: false, gate: null, blockedBy: null } as const;
  const calm = { ...free, frozen: null, backoffMs: 0, atWork: 0, busy: null };
  fc.assert(fc.property(drifts, situations, (drift, at) => decide(drift, () => ({ ...at, ...calm })).act));
});

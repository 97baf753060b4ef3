import { Contact } from "@fettle/agent/contact.ts";
import { openStore, type Store } from "@fettle/agent/store/store.ts";
import { Upkeep } from "@fettle/agent/store/upkeep.ts";
import { pino } from "pino";
import t from "tap";
import { settle } from "../fakes/clock.ts";
import { LIMITS, makeBench } from "./harness.ts";

const DAY_MS = 86_400_000;
const FULL = "SQLITE_FULL: database or disk is full";
const RUN = {
  passId: "00000000-0000-7000-8000-000000000000",
  epoch: 1,
  generation: 1,
  resource: "a.file",
  resourceHash: "a".repeat(64),
  cause: "event" as const,
  changes: [],
  approvals: [],
};
/** Every statement of the journal that a repair goes through. */
const STATEMENTS = [
  ...["runs.intend", "runs.phase", "runs.end", "logs.append", "retries.get", "retries.set", "retries.reset"],
  ...["repairs.add", "repairs.count", "repairs.reset", "kept.get", "kept.set", "kept.delete", "pauses.all"],
] as const;

/** A journal that refuses the named statements for as long as they are among `broken`. */
function breakable(store = openStore(":memory:")): { store: Store; broken: Set<string> } {
  const broken = new Set<string>();
  const table = (name: string, of: object) =>
    new Proxy(of, {
      get: (target, key) => {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (broken.has(`${name}.${String(key)}`)) throw new Error(FULL);
          return method.apply(target, args);
        };
      },
    });
  const tables = new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === "object" && value !== null ? table(String(key), value) : value;
    },
  });
  return { store: tables, broken };
}

for (const statement of STATEMENTS)
  t.test(
    `${statement} fails for a while: nothing ends, nothing is done unwritten, all is well afterwards`,
    async (t) => {
      const { store, broken } = breakable();
      const bench = makeBench(store);
      const policy = { mode: "enforce" as const, pauses: [], contention: LIMITS };
      const pull = bench.resource("a.model", "x", {
        apply: async (_ctx, _changes, _signal, reporter) => {
          reporter.log("pulling\n".repeat(5_000));
          bench.applied.push("a.model");
          if (bench.applied.length % 2 === 1) throw new Error("not yet");
          bench.world.set("a.model", "x");
        },
      });
      const resources = [pull, bench.resource("a.file", "x"), bench.resource("a.service", "x", { after: ["a.file"] })];
      broken.add(statement);
      bench.set(resources, { policy, retry: { "a.file": "token" } });
      await bench.clock.advance(20_000);
      if (statement === "runs.intend" || statement === "runs.phase") t.same(bench.applied, [], "nothing was done");
      bench.loop.wake("event");
      await bench.clock.advance(20_000);
      broken.clear();
      await bench.clock.advance(120_000);
      bench.world.set("a.file", "y");
      bench.loop.wake("event");
      await bench.clock.advance(120_000);
      for (const id of ["a.model", "a.file", "a.service"]) t.equal(bench.state(id).state, "in-sync", id);
      t.same(store.runs.unfinished(), [], "every run has its end in the journal");
      await bench.stop();
    },
  );

t.test("a journal that cannot be written is said, and its retry token is taken later", async (t) => {
  const { store, broken } = breakable();
  const bench = makeBench(store);
  for (const one of ["runs.intend", "kept.set"]) broken.add(one);
  const file = bench.resource("a.file", "x");
  bench.set([file], { retry: { "a.file": "token" } });
  await bench.clock.advance(10_000);
  t.match(bench.state("a.file"), { state: "failed", code: "agent.journal-unwritable", reason: /disk is full/ });
  broken.clear();
  bench.set([file], { retry: { "a.file": "token", "a.unknown": "other" } });
  await bench.clock.advance(10_000);
  t.equal(store.kept.get("a.file", "retry"), "token");
  t.equal(store.kept.get("a.unknown", "retry"), null, "nothing is kept of what is not declared");
  await bench.stop();
});

t.test("an approval that the journal does not take is not used up, and without it nothing starts", async (t) => {
  const { store, broken } = breakable();
  const bench = makeBench(store);
  broken.add("runs.intend");
  const file = bench.resource("a.file", "x");
  const approvals = [{ resource: "a.file", hash: file.hash, token: "yes" }];
  bench.set([file], { approvals });
  await bench.clock.advance(10_000);
  t.same([bench.applied, store.runs.recent(5)], [[], []]);
  broken.clear();
  await bench.clock.advance(10_000);
  t.same([bench.applied, store.kept.get("a.file", "approval:yes")], [["a.file"], "used"]);
  await bench.stop();
});

t.test("the clock is set back a day: the next try is not a day away, and after a restart neither", async (t) => {
  const store = openStore(":memory:");
  const bench = makeBench(store);
  const tries: number[] = [];
  const apply = async () => void tries.push(bench.clock.mono());
  bench.set([bench.resource("a.file", "x", { apply })]);
  await bench.clock.advance(30_000);
  bench.clock.jump(-DAY_MS);
  const before = tries.length;
  await bench.clock.advance(400_000);
  t.ok(tries.length > before, "tried again");
  await bench.stop();
  const next = makeBench(store);
  next.clock.jump(-2 * DAY_MS);
  let again = 0;
  const count = async () => {
    again += 1;
  };
  next.set([next.resource("a.file", "x", { apply: count })]);
  await next.clock.advance(310_000);
  t.ok(again > 0, "tried again");
  await next.stop();
});

t.test("the clock is set: contention counts no repair twice, and ends after the quiet time", async (t) => {
  const bench = makeBench();
  const policy = { mode: "enforce" as const, pauses: [], contention: LIMITS };
  bench.set([bench.resource("a.file", "x")], { policy });
  await bench.clock.advance(1_000);
  const fight = async (times: number, everyMs: number) => {
    for (let round = 0; round < times; round += 1) {
      bench.world.set("a.file", "y");
      bench.loop.wake("event");
      await bench.clock.advance(everyMs);
    }
  };
  await fight(4, 400_000);
  bench.clock.jump(-DAY_MS);
  await fight(1, 5_000);
  t.equal(bench.state("a.file").state, "in-sync", "what seems to lie ahead does not count");
  await fight(6, 5_000);
  t.equal(bench.state("a.file").state, "contended");
  bench.clock.jump(-DAY_MS);
  for (let sweep = 0; sweep < 70; sweep += 1) {
    bench.loop.wake("sweep");
    await bench.clock.advance(28_000);
  }
  t.equal(bench.state("a.file").state, "in-sync");
  await bench.stop();
});

t.test("upkeep: the journal is held under its limits, and a failure is no end of it", async (t) => {
  const { store, broken } = breakable();
  const bench = makeBench();
  const { clock } = bench;
  const now = clock.now();
  for (const [at, value] of [
    [now - 40 * DAY_MS, "old"],
    [now - 1_000, "new"],
  ] as const)
    store.repairs.add("a.file", value, at);
  for (let run = 0; run < 20; run += 1) {
    const id = `00000000-0000-7000-8000-0000000000${run + 10}`;
    store.runs.intend({ ...RUN, id, startedAt: now });
    store.runs.end(id, { outcome: "repaired", code: null, reason: null, endedAt: now });
    store.runs.acknowledge([id]);
    store.logs.append(id, now, "x".repeat(60_000));
    store.logs.acknowledge(id, 0);
  }
  broken.add("repairs.prune");
  const ended = new AbortController();
  const running = new Upkeep({ store, clock, logger: pino({ level: "silent" }), maxBytes: 400_000 }).run(ended.signal);
  await clock.advance(100_000);
  broken.clear();
  await clock.advance(100_000);
  t.ok(store.runs.recent(100).length < 10, "acknowledged runs go when it is too large");
  const within = { from: 0, to: now };
  t.same([store.repairs.count("a.file", "old", within), store.repairs.count("a.file", "new", within)], [0, 1]);
  ended.abort();
  await running;
  await bench.stop();
});

t.test("contact: a full disk is no end of it", async (t) => {
  const { store, broken } = breakable();
  const bench = makeBench();
  const heardAt = bench.clock.now();
  const link = { status: () => ({ heardAt }), awayMs: () => 0 };
  const contact = new Contact(bench.clock, store.kept, () => link as never);
  broken.add("kept.set");
  const ended = new AbortController();
  const running = contact.run(ended.signal);
  await bench.clock.advance(200_000);
  broken.clear();
  await bench.clock.advance(200_000);
  t.equal(store.kept.get("agent.link", "contact"), String(heardAt));
  ended.abort();
  await settle();
  await running;
  await bench.stop();
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { sql } from "kysely";
import t, { type Test } from "tap";
import { openDatabase } from "./database.ts";
import { settledValue } from "./facts.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/migrations.ts";
import { pruneLogBytes, pruneStep, STEP_ROWS } from "./retention.ts";
import type { RunRow } from "./runs.ts";
import { openStore, type Store } from "./store.ts";
import { Upkeep } from "./upkeep.ts";

/** What belongs to no stack. */
const OF_THE_COORDINATOR = ["meta", "restores"];
const DAY = 24 * 60 * 60_000;

async function folder(test: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "fettle-store-"));
  test.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function store(test: Test, path?: string): Promise<Store> {
  const opened = await openStore(path ?? join(await folder(test), "fettle.db"));
  test.teardown(() => opened.close());
  return opened;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );
}

const RUN: RunRow = {
  id: "r1",
  stack: "duo",
  node: "a",
  passId: "p",
  epoch: 1,
  generation: 1,
  resource: "ollama.service",
  resourceHash: "0",
  cause: "event",
  changes: "[]",
  phase: "intended",
  outcome: null,
  code: null,
  reason: null,
  startedAt: 1,
  endedAt: null,
  receivedAt: 1,
  bytes: 10,
};

t.test("the file: durable, checked, migrated once, refused when newer", async (t) => {
  const path = join(await folder(t), "fettle.db");
  const first = await openStore(path);
  const pragma = async (name: string): Promise<unknown> =>
    Object.values((await sql<object>`${sql.raw(`pragma ${name}`)}`.execute(first.db)).rows[0] ?? {})[0];
  t.equal(await pragma("journal_mode"), "wal");
  t.equal(await pragma("synchronous"), 2, "FULL");
  t.equal(await pragma("foreign_keys"), 1);
  const tables = (await first.db.introspection.getTables()).filter(({ name }) => !OF_THE_COORDINATOR.includes(name));
  t.ok(tables.length > 15);
  t.same(
    tables.filter(({ columns }) => !columns.some(({ name }) => name === "stack")).map(({ name }) => name),
    [],
  );
  t.same(
    tables.flatMap(({ columns }) => columns.filter(({ isAutoIncrementing }) => isAutoIncrementing)),
    [],
  );
  await first.nodes.ensure("a", "duo", "[]");
  await first.close();
  const second = await openStore(path);
  t.equal((await second.nodes.all()).length, 1, "a second start keeps what is there");
  await sql`insert into kysely_migration (name, timestamp) values ('9999-later', '')`.execute(second.db);
  await second.close();
  t.equal(await codeOf(openStore(path)), "store.newer");
  t.equal(await codeOf(openStore(join(path, "..", "none.db"), { mustExist: true })), "store.not-initialised");
});

t.test("a migration that fails halfway leaves nothing of itself", async (t) => {
  const path = join(await folder(t), "fettle.db");
  const db = openDatabase(path);
  const later = {
    async up(on: typeof db): Promise<void> {
      await sql`create table half (a text)`.execute(on);
      throw new Error("power cut");
    },
  };
  t.equal(await codeOf(migrate(db, { ...migrations, "9998-later": later })), "store.migration-failed");
  await db.destroy();
  const again = await store(t, path);
  t.notOk((await again.db.introspection.getTables()).some(({ name }) => name === "half"));
});

t.test("a disk that takes nothing is no newer version", async (t) => {
  const path = join(await folder(t), "fettle.db");
  const db = openDatabase(path);
  t.teardown(() => db.destroy());
  await sql`pragma max_page_count = 2`.execute(db);
  t.equal(await codeOf(migrate(db, migrations)), "store.migration-failed");
});

t.test("what was written is there after kill -9", async (t) => {
  const path = join(await folder(t), "fettle.db");
  const program = `
    import { openStore } from ${JSON.stringify(join(import.meta.dirname, "store.ts"))};
    const store = await openStore(${JSON.stringify(path)});
    for (let at = 1; ; at += 1) {
      await store.write(async ({ nodes, audit }) => {
        await nodes.ensure("n" + at, "duo", "[]");
        await audit.add({ id: String(at), stack: "duo", node: null, at, who: "x", what: "y", receivedAt: at });
      });
      process.stdout.write(at + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
    if (said.split("\n").length > 40) child.kill("SIGKILL");
  });
  await once(child, "close");
  const acknowledged = Number(said.trim().split("\n").at(-1));
  const after = await store(t, path);
  const nodes = await after.nodes.all();
  t.ok(nodes.length >= acknowledged && acknowledged >= 40);
  t.equal((await after.audit.list({ limit: 10_000 })).length, nodes.length, "no transaction is half there");
  const check = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(after.db);
  t.equal(check.rows[0]?.integrity_check, "ok");
});

t.test("writers take turns; a transaction that throws leaves nothing; a held lock is waited for", async (t) => {
  const path = join(await folder(t), "fettle.db");
  const here = await store(t, path);
  await here.stacks.put({ stack: "duo", basedOn: 0, spec: "{}", source: "", at: 1 });
  const bump = (): Promise<number | null> =>
    here.write(async ({ stacks }) => {
      const basedOn = (await stacks.get("duo"))?.revision ?? 0;
      return await stacks.put({ stack: "duo", basedOn, spec: "{}", source: "", at: 1 });
    });
  t.same(await Promise.all([bump(), bump(), bump()]), [2, 3, 4]);
  const failed = here.write(async ({ nodes }) => {
    await nodes.ensure("a", "duo", "[]");
    throw new Error("no");
  });
  t.equal(await codeOf(failed), "Error: no");
  t.same(await here.nodes.all(), []);
  const other = openDatabase(path);
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = other.transaction().execute(async () => {
    held.resolve();
    await release.promise;
  });
  await held.promise;
  const waiting = bump();
  setTimeout(release.resolve, 700);
  t.equal(await waiting, 5, "BUSY is no failure");
  await holding;
  await other.destroy();
});

t.test("writes that are conditional on a revision", async (t) => {
  const { stacks, desired, nodes, runs, pauses, facts } = await store(t);
  const apply = (basedOn: number): Promise<number | null> =>
    stacks.put({ stack: "duo", basedOn, spec: "{}", source: "", at: 1 });
  t.same([await apply(1), await apply(0), await apply(0), await apply(1), await apply(1)], [null, 1, null, 2, null]);
  await nodes.ensure("a", "duo", "[]");
  const state = (generation: number, hash: string) => ({
    node: "a",
    stack: "duo",
    generation,
    hash,
    roles: "{}",
    updatedAt: 1,
  });
  t.same([await desired.put(state(2, "x")), await desired.put(state(1, "x"))], [false, true]);
  t.same(
    [await desired.put(state(1, "y")), await desired.put(state(2, "y")), await desired.put(state(2, "z"))],
    [false, true, false],
  );
  t.equal((await desired.get("a"))?.hash, "y");
  t.ok(await nodes.declare({ node: "a", stack: "duo", address: "10.0.0.1", roles: '["ollama"]' }));
  t.notOk(await nodes.declare({ node: "a", stack: "other", address: "10.0.0.2", roles: "[]" }));
  t.match(await nodes.get("a"), { address: "10.0.0.1", stack: "duo" });
  const done = { ...RUN, phase: "done", outcome: "repaired" } as const;
  t.same(
    [await runs.put(RUN), await runs.put(RUN), await runs.put(done), await runs.put(RUN)],
    [true, false, true, false],
  );
  t.notOk(await runs.put({ ...done, node: "b" }), "another node cannot rewrite it");
  t.match(await runs.get("r1"), { phase: "done", outcome: "repaired", node: "a" });
  await pauses.put({ stack: "duo", scope: "a", reason: "x", by: "me", at: 1, until: 10 });
  t.same([(await pauses.ofStack("duo", 9)).length, (await pauses.ofStack("duo", 10)).length], [1, 0]);
  t.same(await facts.merge("a", "duo", { gitlabVersion: "18.8.0", kernel: undefined }, 0), ["gitlabVersion"]);
  t.ok(await nodes.remove("a"));
  t.equal(await desired.get("a"), undefined, "what was desired of a removed node goes with it");
  t.ok(await runs.get("r1"), "its history stays");
});

t.test("audit cannot be rewritten", async (t) => {
  const { audit, db } = await store(t);
  const entry = { id: "1", stack: "duo", node: null, at: 1, who: "alice", what: "apply revision 1", receivedAt: 1 };
  await audit.add(entry);
  await audit.add({ ...entry, who: "mallory" });
  t.match(await db.updateTable("audit").set({ who: "mallory" }).execute().catch(String), /append-only/);
  t.match(await audit.list({ limit: 5 }), [{ who: "alice" }]);
});

const MINUTE = 60_000;
/** [when, value said then]... and what may steer at a time. */
const FACTS: [string, [number, string][], number, string][] = [
  ["the first value at once", [[0, "18.8"]], 0, "18.8"],
  [
    "a new one not yet",
    [
      [0, "18.8"],
      [60, "18.9"],
    ],
    69,
    "18.8",
  ],
  [
    "a new one after ten minutes",
    [
      [0, "18.8"],
      [60, "18.9"],
    ],
    70,
    "18.9",
  ],
  [
    "back again before that",
    [
      [0, "18.8"],
      [60, "18.9"],
      [65, "18.8"],
    ],
    66,
    "18.8",
  ],
  [
    "a value that only flew by never steers",
    [
      [0, "18.8"],
      [60, "18.9"],
      [65, "19.0"],
    ],
    74,
    "18.8",
  ],
  [
    "and the one after it does in its time",
    [
      [0, "18.8"],
      [60, "18.9"],
      [65, "19.0"],
    ],
    75,
    "19.0",
  ],
  [
    "a change soon after the first value",
    [
      [0, "18.8"],
      [1, "18.9"],
    ],
    5,
    "18.8",
  ],
];

t.test("a fact steers when it is the first or has settled", async (t) => {
  for (const [name, said, minute, expected] of FACTS) {
    const { facts, nodes } = await store(t);
    await nodes.ensure("a", "duo", "[]");
    for (const [at, value] of said) await facts.merge("a", "duo", { gitlabVersion: value }, at * MINUTE);
    const [fact] = await facts.ofNode("a");
    t.equal(fact === undefined ? null : settledValue(fact, minute * MINUTE), expected, name);
  }
});

/** Table, how to put a row of an age, and the days it stays. */
const KEPT: [string, number, (store: Store, id: string, at: number) => Promise<unknown>][] = [
  [
    "events",
    30,
    ({ events }, id, at) =>
      events.add([
        {
          id,
          stack: "duo",
          node: null,
          resource: null,
          at,
          kind: "x",
          severity: "info",
          code: null,
          text: "",
          data: "{}",
        },
      ]),
  ],
  ["runs", 90, ({ runs }, id, at) => runs.put({ ...RUN, id, startedAt: 9e15, receivedAt: at })],
  ["logs", 14, ({ logs }, id, at) => logs.add({ runId: id, seq: 0, stack: "duo", node: "a", at, data: "x", bytes: 1 })],
  [
    "audit",
    400,
    ({ audit }, id, at) => audit.add({ id, stack: "duo", node: null, at: 9e15, who: "", what: "", receivedAt: at }),
  ],
  ["metrics", 1, ({ metrics }, id, at) => metrics.add({ node: id, at, stack: "duo", values: "{}" })],
  [
    "metric_means",
    30,
    ({ metricMeans }, id, at) => metricMeans.put({ node: id, at, stack: "duo", values: "{}", samples: 1 }),
  ],
];

t.test("retention, by the coordinator's own clock", async (t) => {
  const now = 500 * DAY;
  for (const [table, days, put] of KEPT) {
    const here = await store(t);
    await put(here, "old", now - days * DAY - 1);
    await put(here, "kept", now - days * DAY);
    await put(here, "new", now);
    t.equal(await pruneStep(here.db, now), 1, table);
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(here.db);
    t.equal(rows[0]?.count, 2, table);
  }
});

t.test("a step of pruning is bounded, and logs have a size limit", async (t) => {
  const here = await store(t);
  await here.write(async ({ logs }) => {
    for (let at = 0; at < STEP_ROWS + 20; at += 1) {
      await logs.add({ runId: `r${at}`, seq: 0, stack: "duo", node: "a", at, data: "x", bytes: 100 });
    }
  });
  t.equal(await pruneLogBytes(here.db, 100 * (STEP_ROWS + 20)), 0);
  t.equal(await pruneLogBytes(here.db, 1000), STEP_ROWS, "the oldest first, not more than a step");
  t.match(await here.logs.ofRun(`r${STEP_ROWS + 19}`, -1, 5), [{ data: "x" }]);
  const old = await store(t);
  await old.write(async ({ metrics }) => {
    for (let at = 0; at < 2 * STEP_ROWS + 1; at += 1) await metrics.add({ node: "a", at, stack: "duo", values: "{}" });
  });
  t.equal(await pruneStep(old.db, 400 * DAY), STEP_ROWS);
  t.equal(await pruneStep(old.db, 400 * DAY), STEP_ROWS);
  t.equal(await pruneStep(old.db, 400 * DAY), 1);
});

t.test("upkeep makes 5-minute means before the samples go, and outlives a failure", async (t) => {
  const here = await store(t);
  const clock = { at: 0, now: () => clock.at, mono: () => clock.at, random: () => 0, sleep: async () => undefined };
  for (const [at, load] of [
    [0, 1],
    [15_000, 3],
    [299_999, 5],
    [300_000, 100],
  ] as const) {
    await here.metrics.add({
      node: "a",
      at,
      stack: "duo",
      values: JSON.stringify({ load, ...(at === 0 ? { gpu: 7 } : {}) }),
    });
  }
  const failures: unknown[] = [];
  const upkeep = new Upkeep({ store: here, clock, onFailed: (error) => failures.push(error) });
  clock.at = 599_999;
  await upkeep.round();
  t.match(await here.metricMeans.range("a", 0, DAY), [{ at: 0, samples: 3, values: '{"load":3,"gpu":7}' }]);
  clock.at = 2 * DAY;
  await upkeep.round();
  t.equal((await here.metricMeans.range("a", 0, DAY)).length, 2, "the window that ended meanwhile, and no other");
  t.same(await here.metrics.range("a", 0, 3 * DAY), []);
  const stop = new AbortController();
  let rounds = 0;
  const broken: Store = {
    ...here,
    db: new Proxy(here.db, {
      get: () => {
        throw new Error("SQLITE_BUSY");
      },
    }),
  };
  const sleeping = {
    ...clock,
    sleep: async () => {
      rounds += 1;
      if (rounds === 3) stop.abort();
    },
  };
  await new Upkeep({ store: broken, clock: sleeping, onFailed: (error) => failures.push(error) }).run(stop.signal);
  t.equal(failures.length, 2, "each round is tried, none ends the service");
});

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { IdentityCase } from "@fettle/shared/lib/identity-case.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import Database from "better-sqlite3";
import t, { type Test } from "tap";
import { systemClock } from "../clock.ts";
import { type Paths, pathsOf } from "../config.ts";
import { readEnv } from "../env.ts";
import { openStore, type Store } from "../store/store.ts";
import { backup } from "./backup/backup.ts";
import { init } from "./init.ts";
import { type RestoreOptions, restore } from "./restore/restore.ts";

t.setTimeout(240_000);

const PASSPHRASE = new Secret("correct horse battery staple");
const SOURCE = "apiVersion: fettle.dev/v1\nspec:\n  # ours\n  mode: enforce # for good\n  nodes: {}\n";
const never = new AbortController().signal;

async function folderOf(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fettle-backup-"));
  test.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function pathsIn(folder: string): Paths {
  const at = (name: string) => join(folder, name);
  return pathsOf(readEnv({ FETTLE_DATA: at("data"), FETTLE_CONFIG: at("etc"), FETTLE_RUN: at("run") }));
}

async function inStore<T>({ data }: Paths, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(join(data, "fettle.db"), { mustExist: true });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const READMITTED: IdentityCase = {
  node: "a",
  stack: "duo",
  kind: "expired",
  at: 1,
  machines: "[]",
  approved: JSON.stringify({ machineId: "m", instanceId: "", productUuid: "" }),
  approvedAt: 1,
  approvedBy: "test",
};

/** A coordinator with a stack that enforces, and one of everything that a restore has to think about. */
async function coordinator(test: Test): Promise<{ folder: string; paths: Paths; token: Secret; id: string }> {
  const folder = await folderOf(test);
  const paths = pathsIn(folder);
  const { token, coordinatorId } = await init(paths, systemClock);
  const stack = "duo";
  const by = "test";
  const spec = JSON.stringify({ name: stack, mode: "enforce", nodes: {} });
  await inStore(paths, (store) =>
    store.write(async (queries) => {
      await queries.stacks.put({ stack, basedOn: 0, spec, source: SOURCE, at: 1 });
      await queries.revisions.add({ stack, revision: 1, spec, source: SOURCE, by, at: 1 });
      await queries.imageTracks.latch({ stack, revision: 1, track: "18.8", at: 1 });
      await queries.nodes.declare({ node: "a", stack, address: "10.0.0.1", roles: '["ollama"]' });
      await queries.desired.put({ node: "a", stack, generation: 1, hash: "h", roles: "{}", updatedAt: 1 });
      await queries.approvals.put({ node: "a", resource: "x.y", resourceHash: "h", stack, token: "1", by, at: 1 });
      await queries.retryTokens.put({ node: "a", resource: "x.y", stack, token: "2", by, at: 1 });
      await queries.pauses.put({ stack, scope: "a", reason: "r", by, at: 1, until: null });
      const update = { token: "u", stack, version: "0.2.0", nodes: '["a"]', by, at: 1 };
      await queries.updates.add({ ...update, cancelledAt: null, takenBackAt: null });
      await queries.identityCases.put(READMITTED);
      await queries.enrolmentTokens.add(enrolment("unused", null));
      await queries.enrolmentTokens.add(enrolment("used", 5));
    }),
  );
  return { folder, paths, token, id: coordinatorId };
}

function enrolment(id: string, usedAt: number | null) {
  const rest = { roles: "[]", secretHash: "0", by: "test", createdAt: 1, expiresAt: 9, answer: null };
  const more = { usedKeyHash: null, instanceId: null, usedBy: null };
  return { id, stack: "duo", node: "a", usedAt, ...rest, ...more };
}

async function backedUp(paths: Paths, to: string, options: { withCa?: boolean; force?: boolean } = {}) {
  const given = { to, passphrase: PASSPHRASE, withCa: true, force: false, ...options };
  return await backup(paths, given, systemClock, never);
}

async function restored(paths: Paths, from: string, options: Partial<RestoreOptions> = {}) {
  const given = { from, passphrase: PASSPHRASE, replace: false, pki: null, epoch: null, ...options };
  return await restore(paths, given, systemClock, never);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );
}

/** Every file below a folder with its content, to see that nothing changed. */
async function everything(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const sums = files.map(
    async (path) =>
      `${path} ${createHash("sha256")
        .update(await readFile(path))
        .digest("hex")}`,
  );
  return [...entries.map(({ parentPath, name }) => join(parentPath, name)), ...(await Promise.all(sums))].sort();
}

t.test("what was backed up is a coordinator again, elsewhere: a higher epoch, and it only observes", async (t) => {
  const { folder, paths, id, token } = await coordinator(t);
  const file = join(folder, "one.age");
  await mkdir(join(paths.data, "releases"));
  await writeFile(join(paths.data, "releases/fettle-agent-0.1.0-linux-x64.tar.gz.manifest"), "{}");
  const done = await backedUp(paths, file);
  await rm(join(paths.data, "releases"), { recursive: true });
  t.match(done, { file, epoch: 1, withCa: true, coordinatorId: id, bytes: (await stat(file)).size });
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.same((await readdir(paths.data)).sort(), ["fettle.db", "pki"], "nothing is left beside it");
  const elsewhere = pathsIn(join(folder, "elsewhere"));
  const made = await restored(elsewhere, file);
  t.match(made, { epoch: 2, stacks: [{ stack: "duo", revision: 2 }], nodes: ["a"], cancelledTokens: 1, aside: null });
  t.match(made.configuration, { state: "restored" });
  t.same(made.missing, ["agent fettle-agent-0.1.0-linux-x64.tar.gz"], "what is in no backup is named");
  t.same((await readdir(elsewhere.data)).sort(), ["fettle.db", "pki"]);
  for (const name of await readdir(join(paths.data, "pki")))
    t.equal(
      await readFile(join(elsewhere.data, "pki", name), "utf8"),
      await readFile(join(paths.data, "pki", name), "utf8"),
    );
  t.equal((await stat(join(elsewhere.data, "pki/ca.key"))).mode & 0o777, 0o600);
  await inStore(elsewhere, async (store) => {
    const meta = must(await store.meta.read(), "meta");
    t.match(meta, { epoch: 2, coordinatorId: id });
    t.not(meta.incarnation, (await inStore(paths, (old) => old.meta.read()))?.incarnation);
    const stack = must(await store.stacks.get("duo"), "the stack");
    t.equal(JSON.parse(stack.spec).mode, "observe");
    t.equal(stack.source, SOURCE.replace("mode: enforce", "mode: observe"), "the operator's text, but for that word");
    t.match(await store.revisions.get("duo", 2), { by: "restore" });
    t.equal(await store.imageTracks.get("duo", 2), "18.8", "what auto stands for stays");
    t.same([await store.approvals.ofNode("a"), await store.retryTokens.ofNode("a")], [[], []], "asked for once");
    t.match(await store.updates.last("duo"), { cancelledAt: Number }, "an update that was asked for then");
    const withdrawn = { ...READMITTED, approved: null, approvedAt: null, approvedBy: null };
    t.same(await store.identityCases.get("a"), withdrawn, "a readmission that was allowed then");
    t.equal(await store.enrolmentTokens.get("unused"), undefined);
    t.ok(await store.enrolmentTokens.get("used"));
    t.match(await store.desired.get("a"), { generation: 1 });
    t.match(await store.pauses.ofStack("duo", 2), [{ scope: "a" }], "pauses stay");
    t.match(await store.apiTokens.list(), [{ name: "first-admin", revokedAt: null }], "API tokens stay");
    t.match(await store.events.list({ limit: 1 }), [{ kind: "coordinator.restored", severity: "warning" }]);
    t.match(await store.audit.list({ limit: 1 }), [{ who: "restore" }]);
  });
  const bytes = await readFile(file);
  for (const canary of [token.reveal(), await readFile(join(paths.data, "pki/ca.key"), "utf8"), "first-admin", id])
    t.notOk(bytes.includes(canary.slice(0, 40)), "nothing of it can be read in the file");
});

t.test("a backup is written whole or not at all, and over nothing unless it is told to", async (t) => {
  const { folder, paths } = await coordinator(t);
  const file = join(folder, "one.age");
  await writeFile(file, "mine");
  t.equal(await codeOf(backedUp(paths, file)), "backup.exists");
  t.equal(await readFile(file, "utf8"), "mine");
  await backedUp(paths, file, { force: true });
  t.ok((await stat(file)).size > 80_000);
  t.equal(await codeOf(backedUp(paths, join(folder, "nowhere/one.age"))), "backup.not-written");
  const { file: named } = await backedUp(paths, folder);
  t.match(named, /fettle-\d{8}T\d{6}Z\.age$/, "in a folder the name holds the time");
  t.same(
    (await readdir(folder)).filter((name) => name.startsWith(".")),
    [],
  );
  t.equal(await codeOf(backedUp(pathsIn(join(folder, "none")), join(folder, "x.age"))), "store.not-initialised");
});

/** What is checked last before anything is moved counts where there is something to move. */
const ALSO_OVER_ANOTHER = ["a wrong passphrase", "longer than it was", "an epoch that is not higher"];

type Refused = readonly [what: string, code: string, from: Buffer | string, options: Partial<RestoreOptions>];

function refused(what: string, code: string, from: Buffer): Refused {
  return [what, code, from, {}];
}

t.test("what is not right is refused, each with its code, and nothing was changed", async (t) => {
  const { folder, paths } = await coordinator(t);
  const file = join(folder, "one.age");
  await backedUp(paths, file);
  const good = await readFile(file);
  const apart = join(folder, "apart.age");
  await backedUp(paths, apart, { withCa: false });
  const other = await coordinator(t);
  const flipped = (at: number) =>
    Buffer.concat([good.subarray(0, at), Buffer.from([(good[at] ?? 0) ^ 1]), good.subarray(at + 1)]);
  const cases: readonly Refused[] = [
    ["a wrong passphrase", "backup.wrong-passphrase", good, { passphrase: new Secret("wrong") }],
    ["no file", "backup.unreadable", join(folder, "no-such"), {}],
    ["an empty file", "backup.cut", Buffer.alloc(0), {}],
    ["something else", "backup.not-a-backup", Buffer.from("apiVersion: fettle.dev/v1\n"), {}],
    ...[20, 100, 160, 1_000, 65_700, good.length - 1].map((length) =>
      refused(`cut at ${length}`, "backup.cut", good.subarray(0, length)),
    ),
    ...[145, 1_000, 66_000, good.length - 1].map((at) => refused(`changed at ${at}`, "backup.tampered", flipped(at))),
    ["longer than it was", "backup.tampered", Buffer.concat([good, good]), {}],
    ["without the CA", "backup.no-pki", apart, {}],
    ["another coordinator's pki", "backup.other-pki", apart, { pki: join(other.paths.data, "pki") }],
    ["no pki there", "backup.unreadable", apart, { pki: join(folder, "nowhere") }],
    ["an epoch that is not higher", "backup.epoch-too-low", good, { epoch: 1 }],
  ];
  const empty = pathsIn(join(folder, "empty"));
  const there = other.paths;
  const before = await everything(other.folder);
  for (const [what, code, from, options] of cases) {
    const path = typeof from === "string" ? from : join(folder, "case.age");
    if (typeof from !== "string") await writeFile(path, from);
    t.equal(await codeOf(restored(empty, path, options)), code, what);
    t.same(await everything(join(folder, "empty")), [], `${what}: an empty machine is empty`);
    if (!ALSO_OVER_ANOTHER.includes(what)) continue;
    t.equal(await codeOf(restored(there, path, { ...options, replace: true })), code, what);
    t.same(await everything(other.folder), before, `${what}: what was there is as it was`);
  }
  t.equal(await codeOf(restored(there, file)), "backup.occupied");
  t.same(await everything(other.folder), before);
});

t.test("a backup of a newer Fettle is refused", async (t) => {
  const { folder, paths } = await coordinator(t);
  const database = new Database(join(paths.data, "fettle.db"));
  database.prepare("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-later', 'x')").run();
  database.close();
  const file = join(folder, "newer.age");
  await backedUp(paths, file);
  t.equal(await codeOf(restored(pathsIn(join(folder, "empty")), file)), "backup.newer");
  t.same(await everything(join(folder, "empty")), []);
});

t.test("a database that is damaged is not backed up over the last good one", async (t) => {
  const { folder, paths } = await coordinator(t);
  const path = join(paths.data, "fettle.db");
  const bytes = await readFile(path);
  bytes.fill(0xff, 8_192, 60_000);
  await writeFile(path, bytes);
  t.match(await codeOf(backedUp(paths, join(folder, "one.age"))), /^backup\.(damaged-source|data-unreadable)$/);
  t.notOk(existsSync(join(folder, "one.age")));
});

t.test("the CA kept apart is brought back with --pki", async (t) => {
  const { folder, paths } = await coordinator(t);
  const file = join(folder, "apart.age");
  await backedUp(paths, file, { withCa: false });
  const safe = join(folder, "safe");
  await cp(join(paths.data, "pki"), safe, { recursive: true });
  const elsewhere = pathsIn(join(folder, "elsewhere"));
  await restored(elsewhere, file, { pki: safe });
  t.equal(await readFile(join(elsewhere.data, "pki/ca.key"), "utf8"), await readFile(join(safe, "ca.key"), "utf8"));
});

t.test("epochs: one above all that is known, the same for two restores of one backup, or as told", async (t) => {
  const { folder, paths } = await coordinator(t);
  const file = join(folder, "one.age");
  await backedUp(paths, file);
  const [one, other] = [pathsIn(join(folder, "one")), pathsIn(join(folder, "other"))];
  const first = await restored(one, file);
  const second = await restored(other, file);
  t.match([first.epoch, second.epoch], [2, 2]);
  t.not(first.incarnation, second.incarnation, "by which agents hold them apart");
  const again = await restored(one, file, { replace: true });
  t.equal(again.epoch, 3, "above that of the one that it replaces");
  t.match(again.aside, /replaced-/);
  t.same((await readdir(must(again.aside, "aside"))).sort(), ["fettle.db", "pki"]);
  t.equal((await restored(other, file, { replace: true, epoch: 9 })).epoch, 9);
  const another = await coordinator(t);
  t.equal(
    (await restored(another.paths, file, { replace: true })).epoch,
    2,
    "another coordinator's epochs do not count",
  );
});

t.test("a coordinator that runs is seen by its open database, also from another container", async (t) => {
  const { folder, paths } = await coordinator(t);
  const file = join(folder, "one.age");
  await backedUp(paths, file);
  await inStore(paths, async () => {
    // Its admin socket is not to be seen from there.
    const apart = { ...paths, run: join(folder, "another-run") };
    t.equal(await codeOf(restored(apart, file, { replace: true })), "backup.running");
  });
  t.same((await readdir(paths.data)).sort(), ["fettle.db", "pki"], "nothing was changed");
  t.equal((await restored(paths, file, { replace: true })).epoch, 2, "and once it is closed it goes");
});

t.test("this machine's own configuration stays, and the backup's is put beside", async (t) => {
  const { folder, paths } = await coordinator(t);
  await writeFile(join(paths.config, "coordinator.yaml"), "names: [old.example.com]\n");
  const file = join(folder, "one.age");
  await backedUp(paths, file);
  const elsewhere = pathsIn(join(folder, "elsewhere"));
  await init(elsewhere, systemClock);
  await copyFile(join(elsewhere.config, "coordinator.yaml"), join(folder, "own.yaml"));
  const { configuration } = await restored(elsewhere, file, { replace: true });
  t.match(configuration, { state: "kept" });
  t.match(await readFile(must(configuration.path, "its path"), "utf8"), /old\.example\.com/);
  t.equal(
    await readFile(join(elsewhere.config, "coordinator.yaml"), "utf8"),
    await readFile(join(folder, "own.yaml"), "utf8"),
  );
});

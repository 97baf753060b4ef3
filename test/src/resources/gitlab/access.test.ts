import { statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ADMIN, ask } from "../../stand-ins/gitlab/kit.ts";
import { type Bench, KEPT_TOKEN, makeBench, TOKEN_FILE } from "./bench.ts";

const DAY = 86_400_000;
const MINTS = { token: { kind: "mint", actor: "root" } } as const;
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

t.test("ready: GitLab's own checks, asked for on loopback", async (t) => {
  const bench = await makeBench(t, { gitlab: { names: ["localhost"] } });
  t.match(await bench.look("gitlab.ready"), { kind: "in-sync" });
  await bench.faults({ readiness: ["db_check"] });
  t.match(await bench.look("gitlab.ready"), {
    kind: "blocked",
    code: "gitlab.ready.failing",
    args: { checks: "db_check (unexpected Db check result: false)" },
  });
  await bench.faults({ page: "502" });
  t.match(await bench.look("gitlab.ready"), { code: "gitlab.ready.down", args: { problem: "status 502" } });
  await bench.faults({ page: "deploy" });
  t.match(await bench.look("gitlab.ready"), { kind: "waiting", code: "gitlab.ready.deploying" });
  await bench.faults({});
  await bench.state({ monitoringAllowlist: ["10.0.0.0/8"] });
  t.match(await bench.look("gitlab.ready"), { kind: "blocked", code: "gitlab.ready.not-allowed" });
  bench.declare({ url: "https://127.0.0.1:1" });
  t.match(await bench.look("gitlab.ready"), { code: "gitlab.ready.down", args: { problem: /ECONNREFUSED/ } });
  t.equal((await bench.requests()).writes, 0);
});

t.test("ready: on loopback under GitLab's own name, whatever that name resolves to", async (t) => {
  const bench = await makeBench(t, { gitlab: { names: ["gitlab.invalid"] } });
  t.match(await bench.look("gitlab.ready"), { kind: "in-sync" });
  bench.declare({ url: bench.gitlab.url.replace("gitlab.invalid", "other.invalid") });
  t.match(await bench.look("gitlab.ready"), { code: "gitlab.ready.down" }, "never under another one");
});

t.test("writable: waits without a word while GitLab cannot be written", async (t) => {
  const bench = await makeBench(t);
  t.match(await bench.look("gitlab.writable"), { kind: "in-sync" });
  t.equal(bench.facts().gitlabVersion, "18.8.2-ee");
  const cases: readonly [state: object, faults: object, why: RegExp][] = [
    [{ applicationSettings: { maintenance_mode: true } }, {}, /in maintenance mode/],
    [{ applicationSettings: { maintenance_mode: false }, geo: "secondary" }, {}, /Geo secondary/],
    [{ geo: "none" }, { page: "deploy" }, /page of a deploy/],
  ];
  for (const [state, faults, why] of cases) {
    await bench.state(state);
    await bench.faults(faults);
    t.match(await bench.look("gitlab.writable"), { kind: "waiting", code: "gitlab.writable.readonly", args: { why } });
  }
  await bench.faults({ page: "502" });
  await t.rejects(bench.look("gitlab.writable"), { code: "gitlab.api.page" }, "not known, which is no verdict");
  await bench.faults({ graphqlTimeout: true });
  await t.rejects(bench.look("gitlab.writable"), { code: "gitlab.api.failing" });
  await bench.faults({});
  t.match(await bench.look("gitlab.writable"), { kind: "in-sync" });
  await bench.state({ version: "19.5.0-ee" });
  const why = /from 18.8.2-ee to 19.5.0-ee less than 10 minutes ago/;
  t.match(await bench.look("gitlab.writable"), { kind: "waiting", args: { why } });
  bench.machine.ahead += 601_000;
  t.match(await bench.look("gitlab.writable"), { kind: "in-sync" });
  t.equal((await bench.requests()).writes, 0);
});

t.test("writable: known without a token, and with one that is not taken", async (t) => {
  const bench = await makeBench(t, { params: MINTS });
  t.match(await bench.look("gitlab.writable"), { kind: "in-sync" });
  await bench.state({ geo: "secondary" });
  t.match(await bench.look("gitlab.writable"), { kind: "waiting", code: "gitlab.writable.readonly" });
  bench.declare({ token: { kind: "file", path: TOKEN_FILE } });
  bench.write(TOKEN_FILE, "glpat-not-known-here");
  t.match(await bench.look("gitlab.writable"), { kind: "waiting", code: "gitlab.writable.readonly" });
  await bench.state({ geo: "none" });
  t.match(await bench.look("gitlab.writable"), { kind: "in-sync" });
});

t.test("a CA file that is not there", async (t) => {
  const bench = await makeBench(t, { params: { ca: "/etc/gitlab/trusted-certs/absent.crt" } });
  for (const id of ["gitlab.ready", "gitlab.tls", "gitlab.token"])
    await t.rejects(bench.look(id), { code: "gitlab.api.ca-file" }, id);
});

t.test("tls: verified, and not about to end", async (t) => {
  const cases: readonly [certificate: object, verdict: object][] = [
    [{ days: 90 }, { kind: "in-sync", findings: [] }],
    [{ days: 20 }, { kind: "in-sync", findings: [{ code: "gitlab.tls.expiring-soon" }] }],
    [{ days: 5 }, { kind: "blocked", code: "gitlab.tls.expiring" }],
    [{ days: -1 }, { kind: "blocked", code: "gitlab.tls.untrusted", args: { problem: "CERT_HAS_EXPIRED" } }],
    [{ names: ["elsewhere.example.com"] }, { kind: "blocked", code: "gitlab.tls.untrusted" }],
    [{ kind: "self-signed" }, { kind: "blocked", args: { problem: "DEPTH_ZERO_SELF_SIGNED_CERT" } }],
  ];
  for (const [certificate, verdict] of cases) {
    const bench = await makeBench(t, { gitlab: { certificate } });
    const found = await bench.look("gitlab.tls");
    t.match({ findings: [], ...found }, verdict, JSON.stringify(certificate));
  }
  const plain = await makeBench(t, { params: { url: "http://10.0.0.10" } });
  t.match(await plain.look("gitlab.tls"), { kind: "in-sync", findings: [{ code: "gitlab.tls.plain" }] });
});

const tokensOf = ({ gitlab }: Bench) => Object.entries(gitlab.world.store.state.tokens);
const keptToken = (bench: Bench) => (JSON.parse(bench.read(KEPT_TOKEN)) as { token: string }).token;

t.test("token: made once by consent, never seen on the terminal", async (t) => {
  const bench = await makeBench(t, { params: MINTS });
  t.match(await bench.look("gitlab.token"), { kind: "drift", creates: "a GitLab token of root (api, admin_mode)" });
  t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
  const token = keptToken(bench);
  t.equal(statSync(join(bench.root, KEPT_TOKEN)).mode & 0o777, 0o600);
  t.match(bench.log.join(""), /DEPRECATION WARNING/, "the terminal is the run's log");
  t.notMatch(bench.log.join(""), token);
  t.equal(bench.secrets.cut(`it is ${token}.`), "it is [redacted].");
  t.throws(() => statSync(join(bench.root, "run/fettle-gitlab-token")), { code: "ENOENT" }, "nothing is left");
  const [, made] = tokensOf(bench).at(-1) ?? [];
  t.match(made, { name: "fettle", user: "1", scopes: ["api", "admin_mode"], expiresAt: day(Date.now() + 90 * DAY) });
  const count = tokensOf(bench).length;
  t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
  t.equal(tokensOf(bench).length, count, "a second apply makes none");
  t.notMatch(JSON.stringify([...bench.kept("gitlab.token")]), token);
});

t.test("token: what stands in the way of making one", async (t) => {
  const bench = await makeBench(t, { params: MINTS });
  bench.machine.freeBytes = 1.5e9;
  const args = { free: "1.5 GB", needed: "2.0 GB" };
  t.match(await bench.look("gitlab.token"), { kind: "waiting", code: "gitlab.token.low-memory", args });
  bench.machine.freeBytes = 8e9;
  await bench.faults({ rails: "Errno::ENOMEM: Cannot allocate memory" });
  await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.token.mint-failed", message: /ENOMEM/ });
  t.match(await bench.look("gitlab.token"), { kind: "drift" }, "tried again later");
  await bench.faults({});
  await bench.state({ geo: "secondary" });
  await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.writable.readonly" });
  await bench.state({ geo: "none" });
  bench.declare({ token: { kind: "mint", actor: "nobody" } });
  await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.token.actor-unknown" });
  const blocked = { kind: "blocked", code: "gitlab.token.actor-unknown", args: { actor: "nobody" } };
  t.match(await bench.look("gitlab.token"), blocked, "not tried again by itself");
  bench.approved = true;
  t.match(await bench.look("gitlab.token"), { kind: "drift" }, "but when a person says so");
  bench.approved = false;
  bench.declare(MINTS);
  t.match(await bench.look("gitlab.token"), { kind: "drift" }, "or for another user");
  await bench.faults({ rails: "ActiveRecord::RecordInvalid: Validation failed: Expires at must be before 2027-01-01" });
  await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.token.mint-refused" });
  const refused = { kind: "blocked", code: "gitlab.token.mint-refused", args: { problem: /must be before/ } };
  t.match(await bench.look("gitlab.token"), refused);
  bench.approved = true;
  await bench.host.files.remove("/usr/bin/gitlab-rails");
  t.match(await bench.look("gitlab.token"), { kind: "blocked", code: "gitlab.token.no-runner" });
  t.equal(tokensOf(bench).length, 1, "the tests' own");
});

t.test("token: revoked or gone later is a person's matter, and `approve` makes a new one", async (t) => {
  const bench = await makeBench(t, { params: MINTS });
  const revoke = () => bench.state({ tokens: { [tokensOf(bench).at(-1)?.[0] ?? ""]: { revoked: true } } });
  const expire = () => bench.state({ tokens: { [tokensOf(bench).at(-1)?.[0] ?? ""]: { expiresAt: "2020-01-01" } } });
  const forget = () => bench.state({ tokens: { [tokensOf(bench).at(-1)?.[0] ?? ""]: null } });
  const lose = () => bench.host.files.remove(KEPT_TOKEN);
  const cases: readonly [harm: () => Promise<unknown>, code: string][] = [
    [revoke, "gitlab.token.revoked"],
    [expire, "gitlab.token.expired"],
    [forget, "gitlab.token.unknown"],
    [lose, "gitlab.token.missing"],
  ];
  for (const [harm, code] of cases) {
    bench.approved = true;
    t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
    bench.approved = false;
    const count = tokensOf(bench).length;
    await harm();
    t.match(await bench.repair("gitlab.token"), { kind: "blocked", code }, code);
    t.ok(tokensOf(bench).length <= count, "none is made");
  }
  bench.approved = true;
  await bench.faults({ rails: "Errno::ENOMEM: Cannot allocate memory" });
  await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.token.mint-failed" });
  bench.approved = false;
  await bench.faults({});
  t.match(await bench.repair("gitlab.token"), { kind: "in-sync" }, "what was approved is tried until it is done");
});

t.test("token: whose it is and what it may", async (t) => {
  const bench = await makeBench(t);
  t.match(await bench.look("gitlab.token"), { kind: "in-sync" });
  t.equal(bench.secrets.cut(ADMIN), "[redacted]", "a token from a file is a known secret too");
  const own = tokensOf(bench)[0]?.[0] ?? "";
  const cases: readonly [state: object, code: string][] = [
    [{ tokens: { [own]: { scopes: ["read_user"] } } }, "gitlab.token.scope"],
    [{ tokens: { [own]: { scopes: ["api"] } }, users: { "1": { admin: false } } }, "gitlab.token.not-admin"],
    [{ users: { "1": { admin: true, active: false } } }, "gitlab.token.user-blocked"],
  ];
  for (const [state, code] of cases) {
    await bench.state(state);
    t.match(await bench.look("gitlab.token"), { kind: "blocked", code }, code);
  }
  await bench.state({ users: { "1": { active: true } } });
  t.match(await bench.look("gitlab.token"), { kind: "in-sync" });
  bench.write(TOKEN_FILE, "\n");
  t.match(await bench.look("gitlab.token"), { kind: "blocked", code: "gitlab.token.file-absent" });
  await t.rejects(bench.look("gitlab.licence"), { code: "gitlab.token.none" });
  await bench.host.files.remove(TOKEN_FILE);
  bench.write(TOKEN_FILE, ADMIN, 0o644);
  t.match(await bench.look("gitlab.token"), { kind: "in-sync", findings: [{ code: "gitlab.token.file-exposed" }] });
});

t.test("token: rotated below a third of its life, the new one on disk first", async (t) => {
  for (const params of [MINTS, {}]) {
    const bench = await makeBench(t, { params });
    t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
    const first = params === MINTS ? keptToken(bench) : ADMIN;
    const life = params === MINTS ? 90 : 364;
    bench.machine.ahead = (life * 2 * DAY) / 3 + 2 * DAY;
    t.match(await bench.look("gitlab.token"), { kind: "drift", changes: [{ from: /^\d{4}-/, to: "rotated" }] });
    await bench.faults({ page: "502" });
    await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.api.page" });
    await bench.faults({});
    await bench.state({ applicationSettings: { maintenance_mode: true } });
    await t.rejects(bench.repair("gitlab.token"), { code: "gitlab.writable.readonly" });
    await bench.state({ applicationSettings: { maintenance_mode: false } });
    t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
    const second = keptToken(bench);
    t.not(second, first);
    t.equal(bench.secrets.cut(second), "[redacted]");
    t.match(tokensOf(bench).at(-1)?.[1], { expiresAt: day(Date.now() + bench.machine.ahead + life * DAY) });
    t.equal((await ask(bench.gitlab, "/api/v4/version", { token: first })).status, 401);
    t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
    t.equal(keptToken(bench), second);
  }
});

t.test("token: a new one in the operator's file counts more than what the old one became", async (t) => {
  const bench = await makeBench(t);
  bench.machine.ahead = 300 * DAY;
  t.match(await bench.repair("gitlab.token"), { kind: "in-sync" });
  bench.write(TOKEN_FILE, "glpat-a-typing-error");
  t.match(await bench.look("gitlab.token"), {
    kind: "blocked",
    code: "gitlab.token.unknown",
    args: { how: /gitlab-token/ },
  });
  bench.write(TOKEN_FILE, `${ADMIN}\n`);
  t.match(await bench.look("gitlab.token"), { kind: "in-sync" }, "the old one stands for its rotated one");
});

t.test("token: a disk that is full before the rotation costs nothing", async (t) => {
  const bench = await makeBench(t);
  bench.machine.ahead = 300 * DAY;
  bench.write("/var/lib/fettle-agent/secrets", "a file in the way");
  await t.rejects(bench.repair("gitlab.token"));
  t.equal((await ask(bench.gitlab, "/api/v4/version")).status, 200, "the token is as it was");
});

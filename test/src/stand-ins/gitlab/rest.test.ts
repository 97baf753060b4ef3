import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { readFeatures, readModels, remapFeature, setDuoSettings } from "./admin-client.ts";
import { ADMIN, type Asked, ask, control, gitlab, graphql, model, mutate, NOT_AVAILABLE, READ_ONLY } from "./kit.ts";
import { startGitlab } from "./start-gitlab.ts";
import { createToken } from "./tokens.ts";

const DAY = 86_400_000;
const SELF = "/api/v4/personal_access_tokens/self";

/** A GitLab whose clock the test moves, and tokens of several kinds. */
async function withTokens(t: Test) {
  const clock = { now: Date.now() };
  const day = (offset: number) => new Date(clock.now + offset * DAY).toISOString().slice(0, 10);
  const running = await gitlab(t, { now: () => clock.now });
  const make = (user: string, scopes: string[], days: number) =>
    createToken(running.world, { user, name: "t", scopes, expiresAt: day(days) }).value;
  const tokens = {
    reader: make("1", ["read_user"], 200),
    alice: make("2", ["api"], 200),
    brief: make("1", ["api"], 1),
  };
  return { running, clock, day, ...tokens };
}

t.test("who may what", async (t) => {
  const { running, alice, reader, day } = await withTokens(t);
  const bearer = { authorization: `Bearer ${alice}` };
  const cases: readonly [path: string, asked: Asked, status: number, json: object][] = [
    ["/api/v4/version", { token: undefined }, 401, { message: "401 Unauthorized" }],
    ["/api/v4/version", { token: "glpat-wrong" }, 401, { message: "401 Unauthorized" }],
    ["/api/v4/version", { token: reader }, 200, { version: "18.8.2-ee" }],
    ["/api/v4/metadata", { token: undefined, headers: bearer }, 200, { enterprise: true }],
    ["/api/v4/user", { token: alice }, 200, { username: "alice" }],
    ["/api/v4/license", { token: alice }, 403, { message: "403 Forbidden" }],
    ["/api/v4/application/settings", { token: reader }, 403, { error: "insufficient_scope", scope: "api read_api" }],
    [SELF, { token: reader }, 200, { scopes: ["read_user"], active: true, expires_at: day(200) }],
    [`${SELF}/rotate`, { token: reader, method: "POST" }, 403, { error: "insufficient_scope" }],
    ["/api/graphql", { token: reader, method: "POST", body: {} }, 401, { errors: [{ message: "Invalid token" }] }],
    ["/api/graphql", { token: "x", method: "POST", body: {} }, 401, { errors: [{ message: "Invalid token" }] }],
    ["/api/v4/nothing", {}, 404, { error: "404 Not Found" }],
  ];
  for (const [path, asked, status, json] of cases) {
    t.match(await ask(running, path, asked), { status, json }, `${status} ${path}`);
  }
  t.match(await mutate(running, "duoSettingsUpdate", {}, "errors", alice), { top: NOT_AVAILABLE });
  await control(running, "PUT", "/state", { applicationSettings: { admin_mode: true } });
  t.match(await ask(running, "/api/v4/license"), { status: 200 }, "this one has the scope for Admin Mode");
});

t.test("rotation and the end of a token", async (t) => {
  const { running, alice, brief, clock, day } = await withTokens(t);
  const rotate = (token: string, body: object = {}) => ask(running, `${SELF}/rotate`, { method: "POST", token, body });
  const user = (token: string) => ask(running, "/api/v4/user", { token });
  const first = await rotate(brief);
  t.match(first.json, { expires_at: day(7), revoked: false, active: true }, "a week when no day is given");
  const second = await rotate(String(first.json.token), { expires_at: day(90) });
  t.match(second.json, { expires_at: day(90) });
  const newest = String(second.json.token);
  t.match(await user(newest), { status: 200 });
  t.match(await user(brief), { status: 401, json: { error: "invalid_token", error_description: /revoked/ } });
  t.match(await rotate(newest, { expires_at: day(500) }), { status: 400, json: { message: /must be before/ } });
  t.match(await user(newest), { status: 200 }, "a refused rotation revokes nothing");
  t.match(await rotate(brief), { status: 401 });
  t.match(await user(newest), { status: 401 }, "an old token used again ends its whole line");
  t.match(await ask(running, SELF, { method: "DELETE", token: alice }), { status: 204 });
  t.match(await user(alice), { status: 401, json: { error_description: /revoked/ } });
  const last = await createToken(running.world, { user: "1", name: "t", scopes: ["api"], expiresAt: day(2) }).value;
  clock.now += 2 * DAY;
  t.match(await user(last), { status: 401, json: { error_description: /expired/ } });
  t.notMatch(readFileSync(join(running.home, "state.json"), "utf8"), ADMIN, "tokens are kept as digests");
});

t.test("the outbound list is replaced whole", async (t) => {
  const running = await gitlab(t);
  const put = (list: unknown) =>
    ask(running, "/api/v4/application/settings", { method: "PUT", body: { outbound_local_requests_whitelist: list } });
  await put(["10.0.0.1:80"]);
  t.match((await put(["10.0.0.20:5052"])).json, { outbound_local_requests_whitelist: ["10.0.0.20:5052"] });
  t.same(await mutate(running, "duoSettingsUpdate", { aiGatewayUrl: "http://10.0.0.20:5052" }), { errors: [] });
  t.match(await put(["x".repeat(300)]), { status: 400 });
});

t.test("readiness and who may ask for it", async (t) => {
  const running = await gitlab(t);
  t.match(await ask(running, "/-/health"), { status: 200, text: /^GitLab OK/ });
  t.match(await ask(running, "/-/liveness"), { status: 200, json: { status: "ok" } });
  await control(running, "PUT", "/faults", { readiness: ["db_check", "gitaly_check"] });
  t.match(
    await ask(running, "/-/readiness"),
    { status: 200, json: { status: "ok" } },
    "the short form does not look there",
  );
  t.match(await ask(running, "/-/readiness?all=1"), {
    status: 503,
    json: { status: "failed", db_check: [{ status: "failed" }], cache_check: [{ status: "ok" }] },
  });
  await control(running, "PUT", "/faults", { readiness: ["master_check"], migrationsPending: true });
  t.match(await ask(running, "/-/readiness"), { status: 503 });
  t.match(await ask(running, "/health_check/migrations"), { status: 500, text: /Migrations are pending/ });
  await control(running, "PUT", "/state", { monitoringAllowlist: ["10.0.0.0/8", "127.0.0.9"] });
  t.match(await ask(running, "/-/readiness"), { status: 404 });
});

t.test("not writable now", async (t) => {
  const running = await gitlab(t);
  const rotate = () => ask(running, "/api/v4/personal_access_tokens/self/rotate", { method: "POST" });
  const settings = (value: boolean) =>
    ask(running, "/api/v4/application/settings", { method: "PUT", body: { maintenance_mode: value } });
  await settings(true);
  t.match(await rotate(), { status: 503, json: { message: "GitLab Maintenance: system is in maintenance mode" } });
  t.same(await mutate(running, "duoSettingsUpdate", {}), { top: READ_ONLY });
  t.match((await graphql(running, "{ metadata { version } }")).data, { metadata: {} }, "reading goes on");
  t.match(await settings(false), { status: 200 }, "the way out stays open");
  await control(running, "PUT", "/state", { geo: "secondary" });
  t.match(await rotate(), { status: 403, json: { message: READ_ONLY } });
  t.same(await mutate(running, "duoSettingsUpdate", {}), { top: READ_ONLY });
  t.match((await ask(running, "/api/v4/geo_sites")).json, [
    { primary: true, current: false },
    { primary: false, current: true },
  ]);
  await control(running, "PUT", "/faults", { page: "deploy" });
  t.match(await ask(running, "/api/v4/version"), { status: 503, type: /html/, text: /Deploy in progress/ });
  await control(running, "PUT", "/faults", { page: "502" });
  t.match(await ask(running, "/api/graphql", { method: "POST", body: {} }), { status: 502, type: /html/ });
  await control(running, "PUT", "/faults", { graphqlTimeout: true });
  t.match(await ask(running, "/api/graphql", { method: "POST", body: {} }), {
    status: 503,
    json: { errors: [{ message: /timed out/ }] },
  });
  t.match(await control(running, "PUT", "/faults", { tpyo: true }), { message: /unknown "tpyo"/ });
});

t.test("state outlives a restart, an upgrade keeps it, and writes are counted", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "fettle-gitlab-"));
  const first = await startGitlab({ home, adminToken: ADMIN, version: "18.8", outboundFilter: false });
  await mutate(first, "aiSelfHostedModelCreate", model);
  await first.stop();
  const running = await gitlab(t, { home, version: "17.9" });
  const access = { url: running.url, ca: running.ca, token: ADMIN };
  t.equal(running.ca, first.ca, "the same authority");
  const [kept] = await readModels(access);
  t.match(kept, { name: "Mistral", endpoint: model.endpoint });
  await remapFeature(access, "DUO_CHAT", "SELF_HOSTED", kept?.id);
  await control(running, "PUT", "/state", { version: "19.5.0-ee" });
  const provider = await graphql(running, "{ aiSelfHostedModels { nodes { provider } } metadata { version } }");
  t.same(provider.data, { aiSelfHostedModels: { nodes: [{ provider: "API" }] }, metadata: { version: "19.5.0-ee" } });
  t.match(
    await mutate(running, "aiSelfHostedModelCreate", { ...model, name: "x" }),
    { top: /provider/ },
    "the new argument is required",
  );
  await control(running, "DELETE", "/requests");
  await readFeatures(access);
  t.match(await control(running, "GET", "/requests"), { writes: 0, queries: { aiFeatureSettings: 1 } });
  await remapFeature(access, "DUO_CHAT", "VENDORED");
  await t.rejects(setDuoSettings(access, { aiGatewayTimeoutSeconds: 1 }), /greater than or equal to 60/);
  const counted = await control(running, "GET", "/requests");
  t.match(counted, {
    writes: 2,
    mutations: { aiFeatureSettingUpdate: 1, duoSettingsUpdate: 1 },
    entries: [{}, { token: "operator" }],
  });
});

t.test("certificates", async (t) => {
  const running = await gitlab(t);
  const cases: { spec: object; code: string | null }[] = [
    { spec: { days: 5 }, code: null },
    { spec: { days: -1 }, code: "CERT_HAS_EXPIRED" },
    { spec: { days: 20, names: ["other.example.com"] }, code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    { spec: { names: ["127.0.0.1"], kind: "self-signed" }, code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  ];
  for (const { spec, code } of cases) {
    await control(running, "PUT", "/state", { certificate: spec });
    const seen = await ask(running, "/-/health").then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    );
    t.equal(seen, code, JSON.stringify(spec));
  }
});

/** A model server that knows one model. */

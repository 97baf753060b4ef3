import t from "tap";
import { ADMIN, ask, graphql, modelOf, mutate, SEAT } from "../../stand-ins/gitlab/kit.ts";
import { type Bench, GATEWAY, MISTRAL, makeBench } from "./bench.ts";
import { FEATURES, featuresOf, OPEN, recordsOf, remap, settingsOf } from "./wired.ts";

const notInSync = (verdicts: Map<string, { kind: string }>) =>
  [...verdicts].filter(([id, { kind }]) => kind !== "in-sync" && !id.startsWith("gitlab.answers")).map(([id]) => id);

for (const version of ["17.9", "18.8", "19.5"]) {
  t.test(`GitLab ${version}: the same state from the same parameters, and nothing when nothing is wrong`, async (t) => {
    const bench = await makeBench(t, { gitlab: { ...OPEN, version }, params: { features: [...FEATURES] } });
    t.same(notInSync(await bench.converge()), []);
    t.match(Object.values(recordsOf(bench)), [
      {
        name: MISTRAL.displayName,
        model: "mistral",
        endpoint: MISTRAL.endpoint,
        identifier: MISTRAL.identifier,
        apiToken: null,
        provider: "API",
      },
    ]);
    const [id] = Object.keys(recordsOf(bench));
    const mapped = { provider: "self_hosted", modelId: id };
    t.match(featuresOf(bench), {
      code_generations: mapped,
      code_completions: mapped,
      duo_chat: mapped,
      duo_chat_write_tests: { provider: "disabled" },
    });
    t.equal(settingsOf(bench).aiGatewayUrl, GATEWAY);
    t.match(Object.values(bench.gitlab.world.store.state.seats), [{ user: "1", purchase: "1" }]);
    await bench.forgetRequests();
    t.same(notInSync(await bench.converge()), []);
    t.equal((await bench.requests()).writes, 0);
    await remap(bench, "DUO_CHAT", version === "17.9" ? "VENDORED" : "UNASSIGNED");
    await mutate(bench.gitlab, "userAddOnAssignmentRemove", SEAT);
    await mutate(bench.gitlab, "duoSettingsUpdate", { aiGatewayUrl: "http://10.0.0.99:5052" });
    await mutate(
      bench.gitlab,
      "aiSelfHostedModelUpdate",
      modelOf(version, { id: `gid://gitlab/Ai::SelfHostedModel/${id}` }),
    );
    t.same(notInSync(await bench.converge()), []);
    t.match(featuresOf(bench).duo_chat, mapped);
    t.equal(settingsOf(bench).aiGatewayUrl, GATEWAY);
    t.match(Object.values(recordsOf(bench)), [{ name: MISTRAL.displayName, identifier: MISTRAL.identifier }]);
  });
}

t.test("what an older GitLab does not have is said with its version, and the rest goes on", async (t) => {
  const general = {
    ...MISTRAL,
    key: "any",
    family: "GENERAL",
    identifier: "custom_openai/x",
    displayName: "Any",
  } as const;
  const platform = { feature: "DUO_AGENT_PLATFORM", model: "mistral", policy: "repair" } as const;
  const params = {
    models: [MISTRAL, general],
    features: [...FEATURES, platform],
    timeoutSeconds: 120,
    platformUrl: "10.0.0.20:50052",
  };
  const blocked = { kind: "blocked" };
  const cases: readonly [version: string, verdicts: Record<string, object>][] = [
    [
      "17.5",
      {
        "gitlab.duo-settings": { ...blocked, code: "gitlab.duo-settings.version", args: { how: /AI_GATEWAY_URL/ } },
        "gitlab.model[any]": {
          ...blocked,
          code: "gitlab.model.version",
          args: { version: /^17\.5/, family: "GENERAL" },
        },
        "gitlab.feature[DUO_AGENT_PLATFORM]": { ...blocked, code: "gitlab.feature.version" },
        "gitlab.answers[mistral]": { ...blocked, code: "gitlab.answers.version" },
        "gitlab.model[mistral]": { kind: "in-sync" },
        "gitlab.feature[DUO_CHAT]": { kind: "in-sync" },
      },
    ],
    ["17.8", { "gitlab.duo-settings": { code: "gitlab.duo-settings.version" } }],
    [
      "17.9",
      {
        "gitlab.duo-settings": { code: "gitlab.duo-settings.version", args: { what: /aiGatewayTimeoutSeconds/ } },
        "gitlab.feature[DUO_AGENT_PLATFORM]": { code: "gitlab.feature.version" },
      },
    ],
    ["17.9.0", { "gitlab.duo-settings": { code: "gitlab.duo-settings.version" } }],
    [
      "18.8",
      {
        "gitlab.duo-settings": { kind: "in-sync", findings: [{ code: "gitlab.duo-settings.platform-tls" }] },
        "gitlab.model[any]": { kind: "in-sync" },
      },
    ],
    ["19.5", { "gitlab.duo-settings": { kind: "in-sync", findings: [] } }],
  ];
  for (const [version, expected] of cases) {
    const bench = await makeBench(t, { gitlab: { ...OPEN, version }, params });
    const verdicts = await bench.converge();
    for (const [id, verdict] of Object.entries(expected)) t.match(verdicts.get(id), verdict, `${version} ${id}`);
    if (!version.startsWith("17.5") && !version.startsWith("17.8")) t.equal(settingsOf(bench).aiGatewayUrl, GATEWAY);
  }
});

t.test("an upgrade from one generation to the next is learnt anew", async (t) => {
  const bench = await makeBench(t, { gitlab: { ...OPEN, version: "17.9" }, params: { features: [...FEATURES] } });
  t.same(notInSync(await bench.converge()), []);
  await bench.state({ version: "19.5.0-ee" });
  await remap(bench, "DUO_CHAT", "VENDORED");
  t.match(await bench.look("gitlab.writable"), { kind: "waiting", code: "gitlab.writable.readonly" });
  t.match(await bench.repair("gitlab.feature[DUO_CHAT]"), { kind: "drift" }, "nothing is written before it is in sync");
  bench.machine.ahead += 601_000;
  t.same(notInSync(await bench.converge()), []);
  t.match(featuresOf(bench).duo_chat, { provider: "self_hosted" });
});

t.test("licence: plan, add-on and end, and what hangs on it", async (t) => {
  const bench = await makeBench(t, { gitlab: { ...OPEN, version: "17.9" }, params: { features: [...FEATURES] } });
  const soon = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
  const cases: readonly [state: object, verdict: object][] = [
    [{}, { kind: "in-sync", findings: [] }],
    [{ licence: { expiresAt: soon } }, { kind: "in-sync", findings: [{ code: "gitlab.licence.expiring" }] }],
    [{ licence: { expiresAt: "2020-01-01" } }, { kind: "blocked", code: "gitlab.licence.expired" }],
    [
      { licence: { expiresAt: null, plan: "premium", type: "offline_cloud" } },
      { code: "gitlab.licence.plan", args: { needed: "Ultimate", how: /offline licence/ } },
    ],
    [{ version: "18.8.2-ee" }, { kind: "in-sync" }],
    [
      { purchases: { "1": { name: "CODE_SUGGESTIONS" } }, licence: { type: "license_file" } },
      { code: "gitlab.licence.add-on", args: { found: "CODE_SUGGESTIONS", how: /legacy/ } },
    ],
  ];
  for (const [state, verdict] of cases) {
    await bench.state(state);
    t.match(await bench.look("gitlab.licence"), verdict, JSON.stringify(state));
  }
  const hidden = { kind: "blocked", code: "gitlab.licence.hides", args: { version: "18.8.2-ee" } };
  for (const id of ["duo-settings", "seat[root]", "model[mistral]", "feature[DUO_CHAT]"])
    t.match(await bench.look(`gitlab.${id}`), hidden, id);
  await bench.state({ licence: null });
  t.match(await bench.look("gitlab.licence"), { kind: "blocked", code: "gitlab.licence.none" });
  t.equal((await bench.requests()).writes, 0);
});

t.test("licence: the Agent Platform wants an add-on of its own offline", async (t) => {
  const bench = await makeBench(t, { params: { platformUrl: "10.0.0.20:50052" } });
  t.match(await bench.look("gitlab.licence"), { kind: "in-sync", findings: [] });
  await bench.state({ licence: { type: "offline_cloud" } });
  t.match(await bench.look("gitlab.licence"), { findings: [{ code: "gitlab.licence.platform-add-on" }] });
  await bench.state({ purchases: { "2": { name: "SELF_HOSTED_DAP", purchasedQuantity: 1, expiresOn: null } } });
  t.match(await bench.look("gitlab.licence"), { kind: "in-sync", findings: [] });
});

t.test("seats: given, exhausted, unknown, refused", async (t) => {
  const bench = await makeBench(t, { params: { seats: ["root", "alice", "support-bot", "nobody"] } });
  for (const user of ["support-bot", "nobody"])
    t.match(await bench.look(`gitlab.seat[${user}]`), { kind: "blocked", code: "gitlab.seat.user-unknown" }, user);
  await bench.state({ purchases: { "1": { purchasedQuantity: 1 } } });
  t.match(await bench.repair("gitlab.seat[alice]"), { kind: "in-sync" });
  const args = { user: "root", assigned: 1, purchased: 1, addOn: "DUO_ENTERPRISE" };
  t.match(await bench.repair("gitlab.seat[root]"), { kind: "blocked", code: "gitlab.seat.exhausted", args });
  await bench.state({ purchases: { "1": { purchasedQuantity: 2 } } });
  await bench.faults({ refuse: { userAddOnAssignmentCreate: ["NO_SEATS_AVAILABLE"] } });
  await t.rejects(bench.repair("gitlab.seat[root]"), { code: "gitlab.seat.exhausted" }, "taken in between");
  await bench.faults({ refuse: { userAddOnAssignmentCreate: ["INVALID_USER_MEMBERSHIP"] } });
  await t.rejects(bench.repair("gitlab.seat[root]"), { code: "gitlab.seat.refused", args: { version: "18.8.2-ee" } });
  await bench.faults({});
  t.match(await bench.repair("gitlab.seat[root]"), { kind: "in-sync" });
  await bench.forgetRequests();
  t.match(await bench.repair("gitlab.seat[root]"), { kind: "in-sync" });
  t.equal((await bench.requests()).writes, 0);
});

t.test("seats: a short name is found behind a page of longer ones", async (t) => {
  const bench = await makeBench(t, { params: { seats: ["bo"] } });
  const many = Array.from({ length: 120 }, (_, n) => [`1${n}0`, `bo-${n}`]);
  const user = (username: string) => ({ username, name: username, admin: false, bot: false, active: true });
  await bench.state({
    users: Object.fromEntries([...many, ["99999", "bo"]].map(([id = "", name = ""]) => [id, user(name)])),
  });
  t.match(await bench.repair("gitlab.seat[bo]"), { kind: "in-sync" });
});

const listOf = ({ gitlab }: Bench) => gitlab.world.store.state.applicationSettings.outbound_local_requests_whitelist;

t.test("outbound: nothing is asked before GitLab refuses, then exactly the address is added", async (t) => {
  const bench = await makeBench(t, { gitlab: { outboundAllow: ["192.168.7.0/24"] } });
  await bench.converge();
  t.same(listOf(bench), ["192.168.7.0/24", "10.0.0.20:5052"]);
  t.match(await bench.look("gitlab.outbound"), { kind: "in-sync" });
  t.match(await bench.look("gitlab.duo-settings"), { kind: "in-sync" });
  t.equal(bench.gitlab.world.store.state.applicationSettings.allow_local_requests_from_web_hooks_and_services, false);
  const fresh = await makeBench(t, { gitlab: OPEN });
  await fresh.converge();
  t.same(listOf(fresh), [], "not refused, not added");
});

t.test("outbound: without consent a person is told the button, and whoever presses it, it goes on", async (t) => {
  const bench = await makeBench(t, { params: { allowOutbound: false } });
  t.match(await bench.look("gitlab.outbound"), { kind: "in-sync" });
  await t.rejects(bench.repair("gitlab.duo-settings"), { code: "gitlab.outbound.refused" });
  const args = { address: "10.0.0.20:5052", problem: /local network are not allowed/ };
  t.match(await bench.look("gitlab.outbound"), { kind: "blocked", code: "gitlab.outbound.refused", args });
  t.match(await bench.repair("gitlab.duo-settings"), { kind: "drift" }, "it waits");
  t.same(listOf(bench), []);
  await bench.state({ applicationSettings: { outbound_local_requests_whitelist: ["10.0.0.0/16"] } });
  t.match(await bench.look("gitlab.outbound"), { kind: "in-sync" }, "the list is another: try again");
  t.match(await bench.repair("gitlab.duo-settings"), { kind: "in-sync" });
});

t.test("outbound: the address is on the list and GitLab refuses all the same", async (t) => {
  const bench = await makeBench(t, { gitlab: { ...OPEN, outboundAllow: ["10.0.0.20:5052"] } });
  const words = "Ai gateway url is not allowed: Requests to the local network are not allowed";
  await bench.faults({ refuse: { duoSettingsUpdate: [words] } });
  await t.rejects(bench.repair("gitlab.duo-settings"), { code: "gitlab.outbound.refused" });
  t.match(await bench.repair("gitlab.outbound"), { kind: "blocked", code: "gitlab.outbound.refused" });
  t.same(listOf(bench), ["10.0.0.20:5052"], "never twice");
});

t.test("duo-settings: time-out and platform, refused and of GitLab's own kind", async (t) => {
  const bench = await makeBench(t, {
    gitlab: OPEN,
    params: { timeoutSeconds: 120, platformUrl: "10.0.0.20:50052", gatewayUrl: `${GATEWAY}/` },
  });
  t.match(await bench.look("gitlab.duo-settings"), {
    kind: "drift",
    changes: [
      { what: "aiGatewayUrl", from: null, to: GATEWAY },
      { what: "aiGatewayTimeoutSeconds", from: "60", to: "120" },
      { what: "duoAgentPlatformServiceUrl", from: null, to: "10.0.0.20:50052" },
    ],
  });
  await bench.faults({ refuse: { duoSettingsUpdate: ["Ai gateway url is too long"] } });
  const refused = { code: "gitlab.duo-settings.refused", args: { version: "18.8.2-ee" } };
  await t.rejects(bench.repair("gitlab.duo-settings"), refused);
  t.match(await bench.look("gitlab.outbound"), { kind: "in-sync" });
  await bench.faults({ deny: { duoSettingsUpdate: "Field is not available" } });
  await t.rejects(bench.repair("gitlab.duo-settings"), refused, "above the payload too");
  await bench.faults({});
  t.match(await bench.repair("gitlab.duo-settings"), { kind: "in-sync" });
  t.match(settingsOf(bench), { aiGatewayTimeoutSeconds: 120, duoAgentPlatformServiceUrl: "10.0.0.20:50052" });
  await bench.state({ applicationSettings: { maintenance_mode: true } });
  await bench.state({ duoSettings: { aiGatewayUrl: null } });
  await t.rejects(bench.repair("gitlab.duo-settings"), { code: "gitlab.writable.readonly" }, "in the middle of it");
});

t.test("one pass reads GitLab once, whatever is declared", async (t) => {
  const bench = await makeBench(t, { gitlab: OPEN, params: { features: [...FEATURES] } });
  await bench.converge();
  await bench.forgetRequests();
  for (const verdict of (await bench.pass()).values()) t.equal(verdict, "in-sync");
  const { queries, mutations, rest } = await bench.requests();
  t.equal(queries.aiFeatureSettings, 1);
  t.equal(queries.selfManagedAddOnEligibleUsers, 1, "of one declared seat");
  t.same(mutations, { echoCreate: 1 });
  t.same(rest, { "GET /api/v4/personal_access_tokens/self": 1 });
  t.equal((await ask(bench.gitlab, "/api/v4/version", { token: ADMIN })).status, 200);
  t.ok((await graphql(bench.gitlab, "{ metadata { version } }")).data);
});

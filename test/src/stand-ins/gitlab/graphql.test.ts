import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from "graphql";
import t from "tap";
import { readFeatures } from "./admin-client.ts";
import {
  ADMIN,
  ask,
  control,
  gitlab,
  graphql,
  model,
  modelOf,
  mutate,
  NOT_AVAILABLE,
  type Running,
  SEAT,
} from "./kit.ts";

const VERSIONS = ["17.9", "18.8", "19.5"];

t.test("a stack is wired in every generation", async (t) => {
  for (const version of VERSIONS) {
    const running = await gitlab(t, { version, outboundFilter: false });
    const introspected = (await graphql(running, getIntrospectionQuery())).data;
    t.ok(
      buildClientSchema(introspected as unknown as IntrospectionQuery).getType("AiFeatures"),
      `${version}: introspection`,
    );
    const settings = await mutate(
      running,
      "duoSettingsUpdate",
      { aiGatewayUrl: "http://10.0.0.20:5052/" },
      "errors duoSettings { aiGatewayUrl }",
    );
    t.same(settings, { errors: [], duoSettings: { aiGatewayUrl: "http://10.0.0.20:5052" } }, `${version}: settings`);
    const created = await mutate(
      running,
      "aiSelfHostedModelCreate",
      modelOf(version, { apiToken: "key" }),
      "errors selfHostedModel { id hasApiToken apiToken releaseState model }",
    );
    const id = (created.selfHostedModel as { id: string }).id;
    t.match(created, {
      errors: [],
      selfHostedModel: { hasApiToken: true, apiToken: null, releaseState: "GA", model: "mistral" },
    });
    const mapped = await mutate(
      running,
      "aiFeatureSettingUpdate",
      { features: ["DUO_CHAT", "CODE_GENERATIONS"], provider: "SELF_HOSTED", aiSelfHostedModelId: id },
      "errors aiFeatureSettings { feature provider selfHostedModel { name } validModels { nodes { id } } }",
    );
    const row = { provider: "self_hosted", selfHostedModel: { name: "Mistral" }, validModels: { nodes: [{ id }] } };
    t.same(mapped, {
      errors: [],
      aiFeatureSettings: [
        { feature: "duo_chat", ...row },
        { feature: "code_generations", ...row },
      ],
    });
    const left = (await readFeatures({ url: running.url, ca: running.ca, token: ADMIN })).find(
      (f) => f.feature === "code_completions",
    );
    t.equal(left?.provider, version === "17.9" ? "vendored" : "unassigned", `${version}: an untouched feature`);
  }
});

t.test("older releases", async (t) => {
  const old = await gitlab(t, { version: "17.8.3-ee" });
  const text = (await graphql(old, "{ duoSettings { aiGatewayUrl } }")).errors?.[0]?.message ?? "";
  t.match(text, "duoSettings");
  const first = await gitlab(t, { version: "17.9.0-ee", outboundFilter: false });
  const input = { aiGatewayUrl: "http://10.0.0.20:5052" };
  t.same(await mutate(first, "duoSettingsUpdate", input, "errors aiGatewayUrl"), { errors: [], ...input });
  const single = await gitlab(t, { version: "17.5.1-ee" });
  const off = { feature: "DUO_CHAT", provider: "DISABLED" };
  t.same(await mutate(single, "aiFeatureSettingUpdate", off, "errors aiFeatureSettings { provider }"), {
    errors: [],
    aiFeatureSettings: [{ provider: "disabled" }],
  });
});

/** Mutation, input, and what is said: a list is the payload's errors, a text a top-level one. */
type Refusal = readonly [name: string, input: object, says: string[] | string];

const BAD_URL = "Ai gateway url is not allowed:";
const create = (change: object) => ({ ...model, name: "b", ...change });

const refusals = (id: string, betaId: string): readonly Refusal[] => [
  ["aiSelfHostedModelCreate", model, ["Name has already been taken"]],
  ["aiSelfHostedModelCreate", create({ endpoint: "not a url" }), ["Endpoint must be a valid URL"]],
  [
    "aiSelfHostedModelCreate",
    create({ endpoint: "ftp://a/v1" }),
    ["Endpoint is not allowed: Only allowed schemes are http, https"],
  ],
  ["aiSelfHostedModelCreate", create({ name: " " }), ["Name can't be blank"]],
  [
    "aiSelfHostedModelCreate",
    create({ identifier: "x".repeat(256) }),
    ["Identifier is too long (maximum is 255 characters)"],
  ],
  ["aiSelfHostedModelUpdate", create({ id: "gid://gitlab/Ai::SelfHostedModel/999" }), NOT_AVAILABLE],
  [
    "aiSelfHostedModelUpdate",
    create({ id: "gid://gitlab/User/1" }),
    '"gid://gitlab/User/1" does not represent an instance of Ai::SelfHostedModel',
  ],
  ["aiFeatureSettingUpdate", { features: [], provider: "DISABLED" }, ["At least one feature is required"]],
  ["aiFeatureSettingUpdate", selfHosted("DUO_CHAT"), ["Self hosted model can't be blank"]],
  ["aiFeatureSettingUpdate", selfHosted("DUO_CHAT", betaId), ["Llama3 is incompatible with the General Chat feature"]],
  [
    "aiFeatureSettingUpdate",
    selfHosted("DUO_AGENT_PLATFORM", id),
    "You don't have permission to update the setting ai_self_hosted_model_id.",
  ],
  ["duoSettingsUpdate", at("http://10.0.0.21:5052"), [`${BAD_URL} Requests to the local network are not allowed`]],
  ["duoSettingsUpdate", at("http://127.20.0.3:5052"), [`${BAD_URL} Requests to the local network are not allowed`]],
  ["duoSettingsUpdate", at("http://localhost:5052"), [`${BAD_URL} Requests to localhost are not allowed`]],
  ["duoSettingsUpdate", at("ftp://10.0.0.20"), [`${BAD_URL} Only allowed schemes are http, https`]],
  ["duoSettingsUpdate", at("no url"), ["Ai gateway url must be a valid URL"]],
  [
    "duoSettingsUpdate",
    { aiGatewayTimeoutSeconds: 30 },
    ["Ai gateway timeout seconds must be greater than or equal to 60"],
  ],
  ["duoSettingsUpdate", at("http://10.0.0.20:5052"), []],
  ["duoSettingsUpdate", at("http://10.1.2.3:5052"), []],
  ["userAddOnAssignmentCreate", SEAT, []],
  ["userAddOnAssignmentCreate", { ...SEAT, userId: "gid://gitlab/User/3" }, ["INVALID_USER_MEMBERSHIP"]],
  ["userAddOnAssignmentCreate", { ...SEAT, userId: "gid://gitlab/User/99" }, NOT_AVAILABLE],
];

function at(aiGatewayUrl: string): object {
  return { aiGatewayUrl };
}

function selfHosted(feature: string, id?: string): object {
  return { features: [feature], provider: "SELF_HOSTED", ...(id === undefined ? {} : { aiSelfHostedModelId: id }) };
}

async function createdId(running: Running, input: object): Promise<string> {
  const payload = await mutate(running, "aiSelfHostedModelCreate", input, "selfHostedModel { id }");
  return (payload.selfHostedModel as { id: string }).id;
}

t.test("what mutations refuse, in GitLab's words", async (t) => {
  const running = await gitlab(t, { outboundAllow: ["10.0.0.20:5052", "10.1.0.0/16"] });
  const id = await createdId(running, model);
  const betaId = await createdId(running, { ...model, name: "Llama", model: "LLAMA3" });
  for (const [name, input, says] of refusals(id, betaId)) {
    const expected = typeof says === "string" ? { top: says } : { errors: says };
    t.same(await mutate(running, name, input), expected, `${name} ${JSON.stringify(input)}`);
  }
});

t.test("what changes an answer: terms, seats, a mapping, a fault", async (t) => {
  const running = await gitlab(t, { betaTermsAccepted: true });
  const id = await createdId(running, { ...model, model: "LLAMA3" });
  t.same(await mutate(running, "aiFeatureSettingUpdate", selfHosted("DUO_CHAT", id)), { errors: [] });
  const mapped = { errors: ["Cannot delete record because dependent feature settings exist"] };
  t.same(await mutate(running, "aiSelfHostedModelDelete", { id }), mapped);
  t.same(await mutate(running, "userAddOnAssignmentCreate", SEAT), { errors: [] });
  await control(running, "PUT", "/state", { purchases: { "1": { purchasedQuantity: 1 } } });
  t.same(await mutate(running, "userAddOnAssignmentCreate", SEAT), { errors: [] }, "who has a seat keeps it");
  const second = await mutate(running, "userAddOnAssignmentCreate", { ...SEAT, userId: "gid://gitlab/User/2" });
  t.same(second, { errors: ["NO_SEATS_AVAILABLE"] });
  await control(running, "PUT", "/faults", {
    refuse: { duoSettingsUpdate: ["no"] },
    deny: { aiFeatureSettings: "denied" },
  });
  const refused = await mutate(running, "duoSettingsUpdate", {}, "errors duoSettings { aiGatewayUrl }");
  t.same(refused, { errors: ["no"], duoSettings: { aiGatewayUrl: null } });
  t.match(await graphql(running, "{ aiFeatureSettings { nodes { feature } } }"), { errors: [{ message: "denied" }] });
});

t.test("an update leaves alone the key that it does not name", async (t) => {
  const running = await gitlab(t);
  const created = await mutate(
    running,
    "aiSelfHostedModelCreate",
    { ...model, apiToken: "key" },
    "selfHostedModel { id }",
  );
  const { id } = created.selfHostedModel as { id: string };
  const changed = await mutate(
    running,
    "aiSelfHostedModelUpdate",
    { ...model, id, name: "Other" },
    "selfHostedModel { name hasApiToken }",
  );
  t.same(changed, { selfHostedModel: { name: "Other", hasApiToken: true } });
});

t.test("licences decide what is seen", async (t) => {
  const running = await gitlab(t);
  const query = "{ currentLicense { plan } aiSelfHostedModels { nodes { id } } addOnPurchases { name } }";
  const models = { nodes: [] };
  const bought = [{ name: "DUO_ENTERPRISE" }];
  const cases: { patch: object; data: object }[] = [
    { patch: {}, data: { currentLicense: { plan: "ultimate" }, aiSelfHostedModels: models, addOnPurchases: bought } },
    {
      patch: { licence: { plan: "premium" } },
      data: { currentLicense: { plan: "premium" }, aiSelfHostedModels: models },
    },
    { patch: { version: "17.9.8-ee" }, data: { aiSelfHostedModels: null } },
    {
      patch: { licence: { plan: "ultimate", expiresAt: "2020-01-01" } },
      data: { currentLicense: { plan: "ultimate" }, aiSelfHostedModels: null, addOnPurchases: [] },
    },
    { patch: { licence: null }, data: { currentLicense: null, aiSelfHostedModels: null, addOnPurchases: [] } },
  ];
  for (const { patch, data } of cases) {
    await control(running, "PUT", "/state", patch);
    t.match((await graphql(running, query)).data, data, JSON.stringify(patch));
  }
  t.match(await ask(running, "/api/v4/license"), { status: 200, text: "null" });
});

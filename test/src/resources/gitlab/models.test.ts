import t from "tap";
import { model, modelOf, mutate } from "../../stand-ins/gitlab/kit.ts";
import { MISTRAL, makeBench } from "./bench.ts";
import { FEATURES, featuresOf, OPEN, recordsOf, remap } from "./wired.ts";

t.test("models: which record is ours", async (t) => {
  const create = (change: object) =>
    mutate(bench.gitlab, "aiSelfHostedModelCreate", modelOf("18.8", change), "errors selfHostedModel { id }");
  let bench = await makeBench(t, { gitlab: OPEN });
  await create({ name: MISTRAL.displayName, endpoint: "http://10.9.9.9:8000/v1" });
  const foreign = { kind: "blocked", code: "gitlab.model.foreign", args: { endpoint: "http://10.9.9.9:8000/v1" } };
  t.match(await bench.repair("gitlab.model[mistral]"), foreign, "only the same name");
  t.match(Object.values(recordsOf(bench)), [{ endpoint: "http://10.9.9.9:8000/v1", identifier: model.identifier }]);

  bench = await makeBench(t, { gitlab: OPEN });
  const same = { endpoint: `${MISTRAL.endpoint}/`, identifier: MISTRAL.identifier };
  await create({ ...same, name: "by hand", apiToken: "sk-canary-of-the-model" });
  const changes = [{ what: "name", from: "by hand" }, { what: "endpoint" }];
  t.match(await bench.look("gitlab.model[mistral]"), { kind: "drift", changes });
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "in-sync" });
  t.match(Object.values(recordsOf(bench)), [{ name: MISTRAL.displayName, apiToken: "sk-canary-of-the-model" }]);

  await create({ ...same, name: "a second one" });
  t.match(await bench.look("gitlab.model[mistral]"), { kind: "in-sync" }, "the remembered one");
  const elsewhere = { ...MISTRAL, endpoint: "http://10.0.0.28:11434/v1" };
  bench.declare({ models: [elsewhere] });
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "in-sync" });
  t.same(
    Object.values(recordsOf(bench)).map(({ endpoint }) => endpoint),
    [elsewhere.endpoint, `${MISTRAL.endpoint}/`],
  );

  bench = await makeBench(t, { gitlab: OPEN });
  await create({ ...same, name: "one" });
  await create({ ...same, name: "two" });
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "blocked", code: "gitlab.model.ambiguous" });
  t.equal(Object.keys(recordsOf(bench)).length, 2);
});

t.test("models: refused, deleted, behind the first page", async (t) => {
  const bench = await makeBench(t, { gitlab: OPEN });
  await bench.faults({ refuse: { aiSelfHostedModelCreate: ["Endpoint is not allowed"] } });
  await t.rejects(bench.repair("gitlab.model[mistral]"), {
    code: "gitlab.model.refused",
    args: { version: "18.8.2-ee" },
  });
  await bench.faults({});
  t.match(await bench.look("gitlab.model[mistral]"), { kind: "drift", creates: /Mistral on Tokyo/ });
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "in-sync" });
  const [id = ""] = Object.keys(recordsOf(bench));
  await bench.state({ models: { [id]: null } });
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "in-sync" }, "made again");
  const record = Object.values(recordsOf(bench))[0] ?? {};
  const others = Array.from({ length: 130 }, (_, n) => [
    String(n + 1001),
    { ...record, name: `n${n}`, identifier: `x/${n}` },
  ]);
  const last = Object.keys(recordsOf(bench))[0] ?? "";
  await bench.state({ models: { [last]: null } });
  await bench.state({ models: { ...Object.fromEntries(others), "9000": record } });
  await bench.forgetRequests();
  t.match(await bench.repair("gitlab.model[mistral]"), { kind: "in-sync" });
  t.equal((await bench.requests()).writes, 0);
});

t.test("features: what leaves the house is critical at once", async (t) => {
  const alert = { feature: "DUO_CHAT_FIX_CODE", model: "mistral", policy: "alert" } as const;
  const bench = await makeBench(t, { gitlab: OPEN, params: { features: [...FEATURES, alert] } });
  await bench.converge();
  const told = {
    kind: "blocked",
    code: "gitlab.feature.alert",
    args: { found: "unassigned", declared: MISTRAL.displayName },
  };
  t.match(await bench.repair("gitlab.feature[DUO_CHAT_FIX_CODE]"), { ...told, findings: [] });
  t.equal(featuresOf(bench).duo_chat_fix_code, undefined, "told, not repaired");
  await remap(bench, "DUO_CHAT_FIX_CODE", "VENDORED");
  await remap(bench, "DUO_CHAT", "VENDORED");
  const findings = [{ code: "gitlab.feature.vendored" }];
  t.match(await bench.look("gitlab.feature[DUO_CHAT_FIX_CODE]"), { kind: "blocked", findings });
  const changes = [{ what: "DUO_CHAT", from: "vendored", to: MISTRAL.displayName }];
  t.match(await bench.look("gitlab.feature[DUO_CHAT]"), { kind: "drift", changes, findings });
  t.match(await bench.repair("gitlab.feature[DUO_CHAT]"), { kind: "in-sync", findings: undefined });
  await mutate(bench.gitlab, "aiFeatureSettingUpdate", {
    features: ["DUO_CHAT_FIX_CODE"],
    provider: "SELF_HOSTED",
    aiSelfHostedModelId: `gid://gitlab/Ai::SelfHostedModel/${Object.keys(recordsOf(bench))[0]}`,
  });
  t.match(await bench.look("gitlab.feature[DUO_CHAT_FIX_CODE]"), { kind: "in-sync" });
});

t.test("features: what GitLab would not take", async (t) => {
  const bench = await makeBench(t, {
    gitlab: OPEN,
    params: {
      models: [
        { ...MISTRAL, key: "llama", family: "LLAMA3" },
        { ...MISTRAL, key: "gemma", family: "CODEGEMMA", identifier: "custom_openai/g", displayName: "Gemma" },
        { ...MISTRAL, key: "late", identifier: "custom_openai/late", displayName: "Late" },
      ],
      features: [
        { feature: "DUO_CHAT", model: "llama", policy: "repair" },
        { feature: "DUO_CHAT_FIX_CODE", model: "gemma", policy: "repair" },
        { feature: "DUO_AGENT_PLATFORM", model: "late", policy: "repair" },
        { feature: "CODE_COMPLETIONS", model: "late", policy: "repair" },
      ],
    },
  });
  await t.rejects(bench.repair("gitlab.feature[CODE_COMPLETIONS]"), { code: "gitlab.feature.no-model" });
  await bench.converge();
  const beta = { model: MISTRAL.displayName, family: "LLAMA3", feature: "DUO_CHAT" };
  t.match(await bench.repair("gitlab.feature[DUO_CHAT]"), {
    kind: "blocked",
    code: "gitlab.feature.beta-terms",
    args: beta,
  });
  await bench.state({ betaTermsAccepted: true });
  t.match(await bench.repair("gitlab.feature[DUO_CHAT]"), { kind: "in-sync" }, "once a person has accepted");
  const unfit = { version: "18.8.2-ee", family: "CODEGEMMA", feature: "DUO_CHAT_FIX_CODE" };
  t.match(await bench.repair("gitlab.feature[DUO_CHAT_FIX_CODE]"), {
    kind: "blocked",
    code: "gitlab.feature.incompatible",
    args: unfit,
  });
  await t.rejects(bench.repair("gitlab.feature[DUO_AGENT_PLATFORM]"), {
    code: "gitlab.feature.refused",
    args: { problem: /ai_self_hosted_model_id/, version: "18.8.2-ee" },
  });
});

import { type GraphQLInputObjectType, type GraphQLObjectType, type GraphQLSchema, parse, validate } from "graphql";
import t from "tap";
import { MUTATIONS } from "./mutations.ts";
import { QUERIES } from "./queries.ts";
import { enumValues, GENERATIONS, type Generation, generationOf, loadSchema } from "./schema.ts";

const ALL: readonly Generation[] = ["17.5", "17.8", "17.9.0", "17.9", "18.8", "19.5"];

/** `Type.field` and what it is of, per generation; null: not there. */
const FIELDS: readonly { at: string; in: Partial<Record<Generation, string | null>> }[] = [
  { at: "Query.duoSettings", in: { "17.5": null, "17.8": null, "17.9.0": "DuoSettings", "19.5": "DuoSettings" } },
  { at: "Mutation.duoSettingsUpdate", in: { "17.5": null, "17.8": null, "17.9": "DuoSettingsUpdatePayload" } },
  {
    at: "DuoSettingsUpdatePayload.duoSettings",
    in: { "17.9.0": null, "17.9": "DuoSettings!", "18.8": "DuoSettings!" },
  },
  { at: "DuoSettingsUpdatePayload.aiGatewayUrl", in: { "17.9.0": "String", "17.9": null, "19.5": null } },
  {
    at: "Mutation.aiSelfHostedModelConnectionCheck",
    in: { "17.5": null, "17.8": "AiSelfHostedModelConnectionCheckPayload" },
  },
  {
    at: "AiFeatureSettingUpdateInput.feature",
    in: { "17.5": "AiFeatures!", "17.8": null, "17.9": null, "19.5": null },
  },
  {
    at: "AiFeatureSettingUpdateInput.features",
    in: { "17.5": null, "17.9": "[AiFeatures!]!", "19.5": "[AiFeatures!]!" },
  },
  { at: "AiFeatureSettingUpdateInput.offeredModelRef", in: { "17.9": null, "18.8": "String", "19.5": "String" } },
  {
    at: "AiSelfHostedModelCreateInput.provider",
    in: { "17.9": null, "18.8": null, "19.5": "AiSelfHostedModelProvider!" },
  },
  {
    at: "AiSelfHostedModelUpdateInput.provider",
    in: { "17.9": null, "18.8": null, "19.5": "AiSelfHostedModelProvider!" },
  },
  { at: "AiSelfHostedModelConnectionCheckInput.provider", in: { "18.8": null, "19.5": "AiSelfHostedModelProvider!" } },
  { at: "AiSelfHostedModelCreateInput.endpoint", in: { "17.9": "String!", "18.8": "String!", "19.5": "String" } },
  { at: "AiSelfHostedModel.endpoint", in: { "17.9": "String!", "18.8": "String!", "19.5": "String" } },
  { at: "AiSelfHostedModel.provider", in: { "17.9": null, "18.8": null, "19.5": "AiSelfHostedModelProvider!" } },
  { at: "DuoSettings.aiGatewayTimeoutSeconds", in: { "17.9": null, "18.8": "Int", "19.5": "Int" } },
  { at: "DuoSettingsUpdateInput.aiGatewayTimeoutSeconds", in: { "17.9": null, "18.8": "Int", "19.5": "Int" } },
  { at: "DuoSettings.duoAgentPlatformServiceUrl", in: { "17.9": null, "18.8": "String", "19.5": "String" } },
  { at: "DuoSettings.duoCoreFeaturesEnabled", in: { "17.9": null, "18.8": "Boolean", "19.5": "Boolean" } },
  { at: "DuoSettings.selfHostedDuoAgentPlatformServiceSecure", in: { "18.8": null, "19.5": "Boolean" } },
  { at: "CurrentUser.admin", in: { "17.9": "Boolean", "18.8": "Boolean", "19.5": "Boolean!" } },
  { at: "CurrentUser.duoClassicChatAvailable", in: { "17.9": null, "18.8": null, "19.5": "Boolean!" } },
  { at: "CurrentLicense.hasGitlabCreditsAddOn", in: { "18.8": null, "19.5": "Boolean!" } },
  { at: "AiChatInput.agentVersionId", in: { "17.9": null, "18.8": "AiCatalogItemVersionID", "19.5": null } },
];

/** Members that an enum has in some generations only. */
const MEMBERS: readonly { of: string; member: string; in: readonly Generation[] }[] = [
  { of: "AiAcceptedSelfHostedModels", member: "MISTRAL", in: GENERATIONS },
  { of: "AiAcceptedSelfHostedModels", member: "GENERAL", in: ["18.8", "19.5"] },
  { of: "AiAcceptedSelfHostedModels", member: "GEMINI", in: ["18.8", "19.5"] },
  { of: "AiAcceptedSelfHostedModels", member: "QWEN", in: ["19.5"] },
  { of: "AiAcceptedSelfHostedModels", member: "EMBEDDING", in: ["19.5"] },
  { of: "AiFeatureProviders", member: "UNASSIGNED", in: ["18.8", "19.5"] },
  { of: "AiFeatureProviders", member: "SELF_HOSTED", in: GENERATIONS },
  { of: "AiFeatures", member: "DUO_CHAT_TROUBLESHOOT_JOB", in: GENERATIONS },
  { of: "AiFeatures", member: "REVIEW_MERGE_REQUEST", in: ["18.8", "19.5"] },
  { of: "AiFeatures", member: "SECURITY_REVIEW", in: ["19.5"] },
  { of: "AiSelfHostedModelProvider", member: "API", in: ["19.5"] },
];

const VERSIONS: readonly [string, Generation][] = [
  ["17.5.2-ee", "17.5"],
  ["17.8.0-ee", "17.8"],
  ["17.9.0-ee", "17.9.0"],
  ["17.9.8-ee", "17.9"],
  ["17.11.3", "17.9"],
  ["18.8.2-ee", "18.8"],
  ["18.10.0-ee", "18.8"],
  ["19.5.1-ee", "19.5"],
];

t.test("each generation builds, and every field of its roots has a function behind it", (t) => {
  for (const generation of ALL) {
    const schema = loadSchema(generation);
    for (const name of Object.keys(schema.getQueryType()?.getFields() ?? {})) t.type(QUERIES[name], "function", name);
    for (const name of Object.keys(schema.getMutationType()?.getFields() ?? {}))
      t.type(MUTATIONS[name], "function", name);
    t.same(validate(schema, parse("{ metadata { version } }")), [], generation);
  }
  t.end();
});

t.test("what differs between the generations", (t) => {
  for (const { at, in: expected } of FIELDS) {
    for (const [generation, type] of Object.entries(expected)) {
      t.equal(typeOf(loadSchema(generation as Generation), at), type, `${generation} ${at}`);
    }
  }
  for (const { of, member, in: expected } of MEMBERS) {
    const found = GENERATIONS.filter((generation) => enumValues(generation, of).includes(member));
    t.same(found, expected, `${of}.${member}`);
  }
  t.end();
});

t.test("which schema a version answers with", (t) => {
  for (const [version, generation] of VERSIONS) t.equal(generationOf(version), generation, version);
  t.end();
});

function typeOf(schema: GraphQLSchema, at: string): string | null {
  const [type = "", field = ""] = at.split(".");
  const found = schema.getType(type) as GraphQLObjectType | GraphQLInputObjectType | undefined;
  const type_ = found?.getFields()[field]?.type;
  return type_ ? String(type_) : null;
}

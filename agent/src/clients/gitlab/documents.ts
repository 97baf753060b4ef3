/**
 * Every GraphQL document that Fettle sends to a GitLab, in this file alone. A test holds each against the schema of
 * every generation that has what it needs.
 */
export interface GitlabDocument {
  /** The operation's name. */
  readonly name: string;
  readonly text: string;
  /** Members that not every GitLab has, as in `DuoSettings.aiGatewayUrl`. */
  readonly needs: readonly string[];
}

/** The types whose members differ between versions, by the alias that their introspection has. */
export const INTROSPECTED = {
  query: "Query",
  mutation: "Mutation",
  settings: "DuoSettings",
  settingsInput: "DuoSettingsUpdateInput",
  model: "AiSelfHostedModel",
  modelInput: "AiSelfHostedModelCreateInput",
  featureInput: "AiFeatureSettingUpdateInput",
  families: "AiAcceptedSelfHostedModels",
  features: "AiFeatures",
} as const;

/** GitLab marks what is experimental as deprecated, and most of what is asked for here is: without it, it is hidden. */
export const SCHEMA: GitlabDocument = {
  name: "FettleSchema",
  needs: [],
  text: `query FettleSchema {
  metadata { version }
  ${Object.entries(INTROSPECTED)
    .map(([alias, type]) => `${alias}: __type(name: "${type}") { ...Members }`)
    .join("\n  ")}
}
fragment Members on __Type {
  name
  fields(includeDeprecated: true) { name }
  inputFields(includeDeprecated: true) { name }
  enumValues(includeDeprecated: true) { name }
}`,
};

interface Part {
  readonly needs: readonly string[];
  readonly text: string;
}

/** The richest first. */
const SETTINGS: readonly Part[] = [
  { needs: ["DuoSettings.selfHostedDuoAgentPlatformServiceSecure"], text: "selfHostedDuoAgentPlatformServiceSecure" },
  { needs: ["DuoSettings.aiGatewayTimeoutSeconds"], text: "aiGatewayTimeoutSeconds" },
  { needs: ["DuoSettings.duoAgentPlatformServiceUrl"], text: "duoAgentPlatformServiceUrl" },
  { needs: ["Query.duoSettings"], text: "aiGatewayUrl" },
].map((_, first, all) => ({
  needs: all.slice(first).flatMap(({ needs }) => needs),
  text: `duoSettings { ${all
    .slice(first)
    .map(({ text }) => text)
    .join(" ")} }`,
}));

const MODELS: readonly Part[] = [
  { needs: ["AiSelfHostedModel.provider"], text: " provider" },
  { needs: [], text: "" },
].map(({ needs, text }) => ({
  needs,
  text: `nodes { id name model endpoint identifier releaseState${text} } pageInfo { hasNextPage endCursor }`,
}));

/** What is looked at in every pass, in one request; the first whose needs are met is the one to send. */
export const STATES: readonly GitlabDocument[] = [...SETTINGS, { needs: [], text: "" }].flatMap((settings) =>
  MODELS.map((models) => ({
    name: "FettleState",
    needs: [...settings.needs, ...models.needs],
    text: `query FettleState {
  metadata { version }
  currentUser { username admin }
  currentLicense { plan type expiresAt }
  addOnPurchases { id name purchasedQuantity assignedQuantity }
  aiSelfHostedModels(first: 100) { ${models.text} }
  aiFeatureSettings(first: 100) { nodes { feature provider selfHostedModel { id } } }
  ${settings.text}
}`,
  })),
);

export const MORE_MODELS: readonly GitlabDocument[] = MODELS.map((models) => ({
  name: "FettleMoreModels",
  needs: models.needs,
  text: `query FettleMoreModels($after: String) {
  aiSelfHostedModels(first: 100, after: $after) { ${models.text} }
}`,
}));

/** Asked only before a feature is mapped: GitLab works through every feature and model for it. */
export const CHOICES: GitlabDocument = {
  name: "FettleChoices",
  needs: [],
  text: `query FettleChoices {
  aiFeatureSettings(first: 100) { nodes { feature title compatibleLlms validModels(first: 100) { nodes { id } } } }
}`,
};

export const SEATS: GitlabDocument = {
  name: "FettleSeats",
  needs: [],
  text: `query FettleSeats(
  $addOn: GitlabSubscriptionsAddOnType!, $purchases: [GitlabSubscriptionsAddOnPurchaseID!]!, $search: String, $after: String
) {
  selfManagedAddOnEligibleUsers(
    addOnType: $addOn, addOnPurchaseIds: $purchases, search: $search, first: 100, after: $after
  ) {
    nodes { id username addOnAssignments(addOnPurchaseIds: $purchases, first: 10) { nodes { addOnPurchase { id } } } }
    pageInfo { hasNextPage endCursor }
  }
}`,
};

/** Leaves nothing behind; a GitLab that cannot be written refuses it. */
export const ECHO = mutation("echoCreate");
export const UPDATE_SETTINGS = mutation("duoSettingsUpdate", ["Mutation.duoSettingsUpdate"]);
export const CREATE_MODEL = mutation("aiSelfHostedModelCreate", [], "selfHostedModel { id }");
export const UPDATE_MODEL = mutation("aiSelfHostedModelUpdate");
export const UPDATE_FEATURE = mutation("aiFeatureSettingUpdate");
export const ASSIGN_SEAT = mutation("userAddOnAssignmentCreate");
/** Real inference through the gateway, and nothing of it is kept. */
export const CHECK_MODEL = mutation(
  "aiSelfHostedModelConnectionCheck",
  ["Mutation.aiSelfHostedModelConnectionCheck"],
  "result { success message }",
);

export const DOCUMENTS: readonly GitlabDocument[] = [
  SCHEMA,
  ...STATES,
  ...MORE_MODELS,
  CHOICES,
  SEATS,
  ECHO,
  UPDATE_SETTINGS,
  CREATE_MODEL,
  UPDATE_MODEL,
  UPDATE_FEATURE,
  ASSIGN_SEAT,
  CHECK_MODEL,
];

/** The payloads' own members differ between versions, so only `errors` is read where nothing else is needed. */
function mutation(name: string, needs: readonly string[] = [], selection = ""): GitlabDocument {
  const input = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Input`;
  const text = `mutation Fettle($input: ${input}!) { ${name}(input: $input) { errors ${selection} } }`;
  return { name, needs, text };
}

import { request } from "node:https";

/** How to reach a GitLab as an administrator who works beside Fettle. */
export interface AdminAccess {
  url: string;
  /** PEM of the authority; undefined: the system's. */
  ca?: string | undefined;
  token: string;
}

export interface FeatureState {
  feature: string;
  provider: string;
  modelId: string | null;
}

export interface ModelState {
  id: string;
  name: string;
  endpoint: string | null;
  identifier: string | null;
}

const REMAP = `mutation($input: AiFeatureSettingUpdateInput!) { aiFeatureSettingUpdate(input: $input) { errors } }`;
const SETTINGS = `mutation($input: DuoSettingsUpdateInput!) { duoSettingsUpdate(input: $input) { errors } }`;
const UNSEAT = `mutation($input: UserAddOnAssignmentRemoveInput!) { userAddOnAssignmentRemove(input: $input) { errors } }`;
const FEATURES = `{ aiFeatureSettings { nodes { feature provider selfHostedModel { id } } } }`;
const MODELS = `{ aiSelfHostedModels { nodes { id name endpoint identifier } } }`;
const DELETE = `mutation($input: AiSelfHostedModelDeleteInput!) { aiSelfHostedModelDelete(input: $input) { errors } }`;

/** Provider in upper case, as in VENDORED; a model id only with SELF_HOSTED. */
export async function remapFeature(
  access: AdminAccess,
  feature: string,
  provider: string,
  modelId?: string,
): Promise<void> {
  const input = { features: [feature], provider, ...(modelId === undefined ? {} : { aiSelfHostedModelId: modelId }) };
  await mutate(access, REMAP, input);
}

export async function setDuoSettings(access: AdminAccess, settings: Record<string, unknown>): Promise<void> {
  await mutate(access, SETTINGS, settings);
}

export async function removeSeat(access: AdminAccess, addOnPurchaseId: string, userId: string): Promise<void> {
  await mutate(access, UNSEAT, { addOnPurchaseId, userId });
}

export async function deleteModel(access: AdminAccess, id: string): Promise<void> {
  await mutate(access, DELETE, { id });
}

export async function readFeatures(access: AdminAccess): Promise<FeatureState[]> {
  interface Node {
    feature: string;
    provider: string;
    selfHostedModel: { id: string } | null;
  }
  const data = await query<{ aiFeatureSettings: { nodes: Node[] } }>(access, FEATURES, {});
  return data.aiFeatureSettings.nodes.map(({ feature, provider, selfHostedModel }) => ({
    feature,
    provider,
    modelId: selfHostedModel?.id ?? null,
  }));
}

export async function readModels(access: AdminAccess): Promise<ModelState[]> {
  const data = await query<{ aiSelfHostedModels: { nodes: ModelState[] } }>(access, MODELS, {});
  return data.aiSelfHostedModels.nodes;
}

/** The data of an answer without errors; throws the errors otherwise. */
export async function query<Data>(
  access: AdminAccess,
  text: string,
  variables: Record<string, unknown>,
): Promise<Data> {
  const body = await send(access, JSON.stringify({ query: text, variables }));
  const answer = JSON.parse(body) as { data?: Data; errors?: { message: string }[] };
  if (answer.errors) throw new Error(answer.errors.map((error) => error.message).join("; "));
  if (!answer.data) throw new Error(`no data in: ${body.slice(0, 200)}`);
  return answer.data;
}

async function mutate(access: AdminAccess, text: string, input: Record<string, unknown>): Promise<void> {
  const data = await query<Record<string, { errors: string[] } | null>>(access, text, { input });
  const errors = Object.values(data).flatMap((payload) => payload?.errors ?? []);
  if (errors.length > 0) throw new Error(errors.join("; "));
}

function send(access: AdminAccess, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${access.token}` };
    const options = { method: "POST", headers, agent: false, ...(access.ca === undefined ? {} : { ca: access.ca }) };
    const sent = request(new URL("/api/graphql", access.url), options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.setTimeout(10_000, () => sent.destroy(new Error("no answer within 10 s")));
    sent.end(body);
  });
}

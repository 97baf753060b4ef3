import { FettleError } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { GitlabSchema } from "./schema.ts";

const page = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });
const model = z.object({
  id: z.string(),
  name: z.string(),
  /** The family in lower case. */
  model: z.string(),
  endpoint: z.string().nullish(),
  identifier: z.string().nullish(),
  releaseState: z.string(),
  /** 19.0 and later. */
  provider: z.string().optional(),
});
export const modelPage = z.object({ nodes: z.array(model), pageInfo: page });
const feature = z.object({
  /** In lower case. */
  feature: z.string(),
  /** self_hosted, vendored, disabled or unassigned. */
  provider: z.string(),
  selfHostedModel: z.object({ id: z.string() }).nullish(),
});
const purchase = z.object({
  id: z.string(),
  name: z.string(),
  purchasedQuantity: z.number(),
  assignedQuantity: z.number(),
});
const licence = z.object({ plan: z.string(), type: z.string(), expiresAt: z.string().nullish() });
const settings = z.object({
  aiGatewayUrl: z.string().nullish(),
  aiGatewayTimeoutSeconds: z.number().nullish(),
  duoAgentPlatformServiceUrl: z.string().nullish(),
  selfHostedDuoAgentPlatformServiceSecure: z.boolean().nullish(),
});

const answer = z.object({
  metadata: z.object({ version: z.string() }).nullish(),
  currentUser: z.object({ username: z.string(), admin: z.boolean().nullish() }).nullish(),
  currentLicense: licence.nullish(),
  addOnPurchases: z.array(purchase).nullish(),
  aiSelfHostedModels: modelPage.nullish(),
  aiFeatureSettings: z.object({ nodes: z.array(feature) }).nullish(),
  duoSettings: settings.nullish(),
});

export type ModelRecord = z.infer<typeof model>;
export type FeatureSetting = z.infer<typeof feature>;
export type AddOnPurchase = z.infer<typeof purchase>;
export type Licence = z.infer<typeof licence>;
export type DuoSettings = z.infer<typeof settings>;

/** GitLab as one look finds it. `null`: not shown to this token, or there is none. */
export interface GitlabState {
  readonly schema: GitlabSchema;
  readonly version: string;
  readonly user: { readonly name: string; readonly admin: boolean } | null;
  readonly licence: Licence | null;
  readonly purchases: readonly AddOnPurchase[];
  readonly models: readonly ModelRecord[] | null;
  readonly features: readonly FeatureSetting[] | null;
  readonly settings: DuoSettings | null;
}

export interface FirstPage {
  readonly state: GitlabState;
  /** Where the models go on; null when all are there. */
  readonly after: string | null;
}

/** From the answer to one of `STATES`. Throws FettleError `gitlab.api.unexpected`. */
export function stateFrom(data: unknown, schema: GitlabSchema): FirstPage {
  const parsed = answer.safeParse(data);
  if (!parsed.success) throw unexpected("its settings", schema, parsed.error);
  const { metadata, currentUser, currentLicense, addOnPurchases, aiSelfHostedModels, ...rest } = parsed.data;
  const state = {
    schema,
    version: metadata?.version ?? "",
    user: currentUser ? { name: currentUser.username, admin: currentUser.admin === true } : null,
    licence: currentLicense ?? null,
    purchases: addOnPurchases ?? [],
    models: aiSelfHostedModels?.nodes ?? null,
    features: rest.aiFeatureSettings?.nodes ?? null,
    settings: rest.duoSettings ?? null,
  };
  return { state, after: nextOf(aiSelfHostedModels?.pageInfo) };
}

/** The cursor of the next page; null when there is none. */
export function nextOf(info: z.infer<typeof page> | undefined): string | null {
  return info?.hasNextPage ? (info.endCursor ?? null) : null;
}

export function unexpected(what: string, schema: GitlabSchema, error: z.ZodError): FettleError {
  const issue = error.issues[0];
  const problem = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not understood"}`;
  return new FettleError("gitlab.api.unexpected", { what, problem: problem.slice(0, 200), version: schema.version });
}

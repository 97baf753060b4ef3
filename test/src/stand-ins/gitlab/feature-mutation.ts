import { GraphQLError } from "graphql";
import { capitalise, compatibleFamilies, selectable } from "./families.ts";
import { featureTitle, isPlatformFeature } from "./features.ts";
import { MODEL, parseGid } from "./gid.ts";
import { managesModels, platformSelfHosted } from "./licence.ts";
import { type Mutation, notAvailable, type SignedCall } from "./mutation.ts";
import { enumValues, generationOf } from "./schema.ts";
import type { FeatureRow, State } from "./state.ts";
import { featureView } from "./views.ts";

interface FeatureInput {
  features?: string[];
  /** 17.4 and 17.5 */
  feature?: string;
  provider: string;
  aiSelfHostedModelId?: string | null;
  offeredModelRef?: string | null;
}

export const updateFeatures: Mutation<FeatureInput> = {
  writes: true,
  run(input, call) {
    if (!managesModels(call.world, call.caller)) throw notAvailable();
    const features = (input.features ?? [input.feature ?? ""]).filter(Boolean).map((name) => name.toLowerCase());
    requirePlatform(call, features, input);
    if (features.length === 0) return { aiFeatureSettings: [], errors: ["At least one feature is required"] };
    const wanted = rowOf(input);
    const { state } = call.world.store;
    const refused = features.flatMap((feature) => problems(state, feature, wanted));
    const good = features.filter((feature) => problems(state, feature, wanted).length === 0);
    call.world.store.change((changing) => {
      for (const feature of good) changing.features[feature] = { ...wanted };
    });
    return { aiFeatureSettings: good.map((feature) => featureView(state, feature)), errors: refused };
  },
  unchanged: () => ({ aiFeatureSettings: [] }),
};

function requirePlatform(call: SignedCall, features: string[], input: FeatureInput): void {
  if (!input.aiSelfHostedModelId || !features.some(isPlatformFeature) || platformSelfHosted(call.world)) return;
  throw new GraphQLError("You don't have permission to update the setting ai_self_hosted_model_id.");
}

function rowOf(input: FeatureInput): FeatureRow {
  const provider = input.provider.toLowerCase() as FeatureRow["provider"];
  const selfHosted = provider === "self_hosted";
  return {
    provider,
    modelId: selfHosted && input.aiSelfHostedModelId ? parseGid(input.aiSelfHostedModelId, MODEL) : null,
    offeredModelRef: provider === "vendored" ? (input.offeredModelRef ?? null) : null,
  };
}

function problems(state: State, feature: string, wanted: FeatureRow): string[] {
  if (wanted.provider !== "self_hosted") return [];
  const record = wanted.modelId ? state.models[wanted.modelId] : undefined;
  if (!record) return ["Self hosted model can't be blank"];
  const known = enumValues(generationOf(state.version), "AiAcceptedSelfHostedModels").map((name) => name.toLowerCase());
  const fits = compatibleFamilies(feature, known).includes(record.model) && selectable(record.model, state);
  return fits ? [] : [`${capitalise(record.model)} is incompatible with the ${featureTitle(feature)} feature`];
}

import { compatibleFamilies, familyDisplayName, releaseState, selectable } from "./families.ts";
import { featureReleaseState, featureRow, featureTitle, mainFeature } from "./features.ts";
import { gid, MODEL, PURCHASE, parseGid, USER } from "./gid.ts";
import { assignedQuantity } from "./licence.ts";
import { type PageArgs, page } from "./page.ts";
import { enumValues, generationOf } from "./schema.ts";
import type { ModelRecord, State } from "./state.ts";

/** What GraphQL sees of the records: a view is an object whose members are the schema's fields. */
export type View = Record<string, unknown>;

export function modelView(state: State, id: string): View | null {
  const record = state.models[id];
  return record ? modelFields(state, id, record) : null;
}

function modelFields(state: State, id: string, record: ModelRecord): View {
  return {
    id: gid(MODEL, id),
    name: record.name,
    model: record.model,
    modelDisplayName: familyDisplayName(record.model),
    endpoint: record.endpoint,
    identifier: record.identifier,
    provider: record.provider,
    // The key itself is never shown again.
    apiToken: null,
    hasApiToken: Boolean(record.apiToken),
    releaseState: releaseState(record.model),
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    featureSettings: (args: PageArgs) => page(featureViews(state, id), args),
  };
}

export function modelViews(state: State): View[] {
  return Object.entries(state.models).map(([id, record]) => modelFields(state, id, record));
}

/** The features of this GitLab's generation, in lower case. */
export function featureNames(state: State): string[] {
  return enumValues(generationOf(state.version), "AiFeatures").map((name) => name.toLowerCase());
}

export function featureViews(state: State, modelId: string | null): View[] {
  const generation = generationOf(state.version);
  return featureNames(state)
    .filter((feature) => modelId === null || featureRow(state, feature, generation).modelId === modelId)
    .map((feature) => featureView(state, feature));
}

export function featureView(state: State, feature: string): View {
  const generation = generationOf(state.version);
  const row = featureRow(state, feature, generation);
  const families = enumValues(generation, "AiAcceptedSelfHostedModels").map((name) => name.toLowerCase());
  const compatible = compatibleFamilies(feature, families);
  const offered = row.offeredModelRef ? { name: row.offeredModelRef, ref: row.offeredModelRef } : null;
  return {
    feature,
    title: featureTitle(feature),
    mainFeature: mainFeature(feature),
    releaseState: featureReleaseState(feature),
    provider: row.provider,
    compatibleLlms: compatible,
    selfHostedModel: row.modelId ? modelView(state, row.modelId) : null,
    gitlabModel: offered,
    defaultGitlabModel: { name: "Claude Sonnet", ref: "claude_sonnet" },
    validModels: (args: PageArgs) => {
      const valid = Object.entries(state.models).filter(
        ([, record]) => compatible.includes(record.model) && selectable(record.model, state),
      );
      return page(
        valid.map(([id, record]) => modelFields(state, id, record)),
        args,
      );
    },
  };
}

export function purchaseView(state: State, id: string): View {
  const bought = state.purchases[id];
  return {
    id: gid(PURCHASE, id),
    name: bought?.name,
    purchasedQuantity: bought?.purchasedQuantity,
    assignedQuantity: assignedQuantity(state, id),
  };
}

export function userView(state: State, id: string): View {
  const user = state.users[id];
  return {
    id: gid(USER, id),
    username: user?.username,
    name: user?.name,
    active: user?.active,
    admin: user?.admin,
    bot: user?.bot,
    lastActivityOn: null,
    lastDuoActivityOn: null,
    addOnAssignments: (args: PageArgs & { addOnPurchaseIds: string[] }) => {
      const wanted = new Set(args.addOnPurchaseIds.map((value) => parseGid(value, PURCHASE)));
      const seats = Object.values(state.seats).filter((seat) => seat.user === id && wanted.has(seat.purchase));
      return page(
        seats.map((seat) => ({ addOnPurchase: purchaseView(state, seat.purchase) })),
        args,
      );
    },
  };
}

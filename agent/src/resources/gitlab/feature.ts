import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { GitlabFeature, GitlabModel } from "@fettle/shared/roles/gitlab.ts";
import { UPDATE_FEATURE } from "../../clients/gitlab/documents.ts";
import type { FeatureChoice } from "../../clients/gitlab/gitlab.ts";
import type { FeatureSetting, GitlabState, ModelRecord } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, ResourceFinding, Verdict } from "../resource.ts";
import { access, BEFORE_WRITES, type Gitlab, hidden, LOOK_MS, SETTLE_MS, stateOf } from "./gitlab.ts";
import { leadingTo } from "./model-record.ts";
import { write } from "./write.ts";

interface Observed {
  readonly state: GitlabState;
  readonly setting: FeatureSetting | null;
  /** The records that lead to the declared model; empty when it is declared off. */
  readonly records: readonly ModelRecord[];
  /** What may be chosen, when a choice is to be made. */
  readonly choice: FeatureChoice | null;
}

/** The declared feature with the model of its key; null is off. */
interface Wanted {
  readonly feature: GitlabFeature["feature"];
  readonly model: GitlabModel | null;
  readonly policy: GitlabFeature["policy"];
}

/** A feature goes to its model, or is off. With the policy `alert` it is said instead of repaired. */
export function feature(gitlab: Gitlab, declared: GitlabFeature): Resource<Observed> {
  const model = gitlab.params.models.find(({ key }) => key === declared.model) ?? null;
  const wanted: Wanted = { ...declared, model };
  return define<Observed>({
    id: `gitlab.feature[${declared.feature}]`,
    declared: { ...declared, record: model },
    after: [...BEFORE_WRITES, ...(model ? [`gitlab.model[${model.key}]`] : [])],
    settleMs: SETTLE_MS,
    polled: true,
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    touches: ["gitlab:"],
    observe: (ctx, signal) => observe(ctx, gitlab, wanted, signal),
    diff: (observed) => diff(observed, wanted),
    apply: (ctx, _changes, signal) => apply(ctx, gitlab, wanted, signal),
  });
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, wanted: Wanted, signal: AbortSignal): Promise<Observed> {
  const state = await stateOf(ctx, gitlab, signal);
  const setting = state.features?.find((one) => one.feature === wanted.feature.toLowerCase()) ?? null;
  const records = wanted.model === null ? [] : leadingTo(state.models ?? [], wanted.model);
  const choosing = wanted.model !== null && setting !== null && !isRight(setting, records, wanted);
  const choice = choosing && records.length > 0 ? await choiceOf(ctx, gitlab, state, wanted, signal) : null;
  return { state, setting, records, choice };
}

async function choiceOf(
  ctx: ResourceContext,
  gitlab: Gitlab,
  { schema }: GitlabState,
  { feature }: Wanted,
  signal: AbortSignal,
): Promise<FeatureChoice | null> {
  const choices = await ctx.pass.once("gitlab:choices", async () =>
    ctx.clients.gitlab.choices(await access(ctx, gitlab), schema, signal),
  );
  return choices.find((one) => one.feature === feature.toLowerCase()) ?? null;
}

function isRight({ provider, selfHostedModel }: FeatureSetting, records: readonly ModelRecord[], wanted: Wanted) {
  if (wanted.model === null) return provider === "disabled";
  return provider === "self_hosted" && records.some(({ id }) => id === selfHostedModel?.id);
}

function diff({ state, setting, records, choice }: Observed, wanted: Wanted): Verdict {
  const { feature, model, policy } = wanted;
  const { version, schema } = state;
  if (!schema.has(`AiFeatures.${feature}`)) return blocked("gitlab.feature.version", { version, feature });
  if (setting === null) return hidden(state, `the feature ${feature}`);
  if (isRight(setting, records, wanted)) return { kind: "in-sync" };
  const declared = model === null ? "disabled" : model.displayName;
  const found = shown(setting, state.models ?? []);
  const changes = [{ what: feature, from: found, to: declared }];
  const findings = leaving(setting, feature, declared);
  if (policy === "alert")
    return { ...blocked("gitlab.feature.alert", { feature, found, declared }, changes), findings };
  const refusal = refusalOf(choice, records[0], wanted, version);
  if (refusal !== null) return { ...blocked(refusal.code, refusal.args, changes), findings };
  return { kind: "drift", changes, disturbs: "none", breaking: false, findings };
}

/** Prompts that should stay in the house go to the vendor: critical at once, whatever is done about it. */
function leaving({ provider }: FeatureSetting, feature: string, declared: string): ResourceFinding[] {
  return provider === "vendored" ? [{ code: "gitlab.feature.vendored", args: { feature, declared } }] : [];
}

/** Why GitLab would not take the model for it, known before it is asked. */
function refusalOf(
  choice: FeatureChoice | null,
  record: ModelRecord | undefined,
  { feature, model }: Wanted,
  version: string,
): { readonly code: Code; readonly args: CodeArgs } | null {
  if (choice === null || record === undefined || model === null || choice.models.includes(record.id)) return null;
  const family = model.family;
  const fits = choice.families.length === 0 || choice.families.includes(family.toLowerCase());
  if (record.releaseState === "BETA" && fits)
    return { code: "gitlab.feature.beta-terms", args: { model: model.displayName, family, feature } };
  return { code: "gitlab.feature.incompatible", args: { version, family, feature } };
}

function shown({ provider, selfHostedModel }: FeatureSetting, models: readonly ModelRecord[]): string {
  if (selfHostedModel === null || selfHostedModel === undefined) return provider;
  return models.find(({ id }) => id === selfHostedModel.id)?.name ?? selfHostedModel.id;
}

function blocked(code: Code, args: CodeArgs, changes: readonly Change[] = []) {
  return { kind: "blocked", code, args, changes } as const;
}

async function apply(ctx: ResourceContext, gitlab: Gitlab, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const { feature, model } = wanted;
  const { schema, version, models } = await stateOf(ctx, gitlab, signal);
  const record = model === null ? null : leadingTo(models ?? [], model)[0];
  if (record === undefined) throw new FettleError("gitlab.feature.no-model", { feature, model: model?.key ?? "" });
  const named = schema.has("AiFeatureSettingUpdateInput.features") ? { features: [feature] } : { feature };
  const target =
    record === null ? { provider: "DISABLED" } : { provider: "SELF_HOSTED", aiSelfHostedModelId: record.id };
  const refusal = (problem: string) => new FettleError("gitlab.feature.refused", { feature, problem, version });
  await write(ctx, gitlab, UPDATE_FEATURE, { ...named, ...target }, refusal, signal);
}

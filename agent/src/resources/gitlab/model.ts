import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Change } from "@fettle/shared/protocol/resource-report.ts";
import type { GitlabModel } from "@fettle/shared/roles/gitlab.ts";
import * as z from "zod";
import { CREATE_MODEL, UPDATE_MODEL } from "../../clients/gitlab/documents.ts";
import type { GitlabSchema } from "../../clients/gitlab/schema.ts";
import type { GitlabState, ModelRecord } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { BEFORE_WRITES, type Gitlab, hidden, LOOK_MS, SETTLE_MS, stateOf } from "./gitlab.ts";
import { type Match, matchOf } from "./model-record.ts";
import { write } from "./write.ts";

interface Observed {
  readonly state: GitlabState;
  /** null when GitLab does not show its models. */
  readonly match: Match | null;
}

const ID = "id";
const FAMILIES = "AiAcceptedSelfHostedModels";
const created = z.object({ selfHostedModel: z.object({ id: z.string() }) });

/** A model's record in GitLab: name, family, endpoint, identifier. Made or corrected, never deleted. */
export function model(gitlab: Gitlab, wanted: GitlabModel): Resource<Observed> {
  return define<Observed>({
    id: `gitlab.model[${wanted.key}]`,
    declared: wanted,
    after: BEFORE_WRITES,
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

async function observe(
  ctx: ResourceContext,
  gitlab: Gitlab,
  wanted: GitlabModel,
  signal: AbortSignal,
): Promise<Observed> {
  const state = await stateOf(ctx, gitlab, signal);
  const match = state.models === null ? null : matchOf(state.models, wanted, ctx.kept.get(ID));
  // A stack that is only observed, or planned, makes nothing its own.
  if (ctx.enforced === true && match?.kind === "ours" && match.record.id !== ctx.kept.get(ID))
    ctx.kept.set(ID, match.record.id);
  return { state, match };
}

function diff({ state, match }: Observed, wanted: GitlabModel): Verdict {
  const { key: model, displayName: name, family, endpoint, identifier } = wanted;
  const { schema, version } = state;
  if (!schema.has(`${FAMILIES}.${family}`)) {
    const known = schema.membersOf(FAMILIES).join(", ") || "none";
    return { kind: "blocked", code: "gitlab.model.version", args: { version, family, known, model } };
  }
  if (match === null) return hidden(state, "its self-hosted models");
  if (match.kind === "several") {
    const ids = match.records.map((one) => one.id).join(", ");
    return { kind: "blocked", code: "gitlab.model.ambiguous", args: { endpoint, identifier, ids } };
  }
  const changes = changesOf(match.kind === "ours" ? match.record : null, wanted, schema);
  if (changes.length === 0) return { kind: "in-sync" };
  if (match.other !== null) {
    const args = { model, name, id: match.other.id, endpoint: match.other.endpoint ?? "no endpoint" };
    return { kind: "blocked", code: "gitlab.model.foreign", args, changes };
  }
  const creates = match.kind === "none" ? { creates: `the model ${name} in GitLab` } : {};
  return { kind: "drift", changes, disturbs: "none", breaking: false, ...creates };
}

function changesOf(record: ModelRecord | null, wanted: GitlabModel, schema: GitlabSchema): Change[] {
  const provider = schema.has("AiSelfHostedModel.provider");
  const pairs: ReadonlyArray<readonly [what: string, from: string | null, to: string]> = [
    ["name", record?.name ?? null, wanted.displayName],
    ["family", record?.model.toUpperCase() ?? null, wanted.family],
    ["endpoint", record?.endpoint ?? null, wanted.endpoint],
    ["identifier", record?.identifier ?? null, wanted.identifier],
    ...(provider ? [["provider", record?.provider ?? null, "API"] as const] : []),
  ];
  return pairs.filter(([, from, to]) => from !== to).map(([what, from, to]) => ({ what, from, to }));
}

/** What is written is the whole record but its API token, which stays as it is. */
export function recordInput(wanted: GitlabModel, schema: GitlabSchema): Readonly<Record<string, string>> {
  const { displayName: name, family, endpoint, identifier } = wanted;
  const provider = schema.has("AiSelfHostedModelCreateInput.provider") ? { provider: "API" } : {};
  return { name, model: family, endpoint, identifier, ...provider };
}

async function apply(ctx: ResourceContext, gitlab: Gitlab, wanted: GitlabModel, signal: AbortSignal): Promise<void> {
  const { state, match } = await observe(ctx, gitlab, wanted, signal);
  if (match === null || match.kind === "several") throw new Error("impossible: it is not known which record is meant");
  const input = recordInput(wanted, state.schema);
  const args = { name: wanted.displayName, version: state.version };
  const refusal = (problem: string) => new FettleError("gitlab.model.refused", { ...args, problem });
  if (match.kind === "ours") {
    ctx.kept.set(ID, match.record.id);
    await write(ctx, gitlab, UPDATE_MODEL, { id: match.record.id, ...input }, refusal, signal);
    return;
  }
  const payload = await write(ctx, gitlab, CREATE_MODEL, input, refusal, signal);
  const made = created.safeParse(payload.fields);
  if (made.success) ctx.kept.set(ID, made.data.selfHostedModel.id);
}

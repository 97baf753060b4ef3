import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Gate } from "@fettle/shared/protocol/desired.ts";
import type { GitlabModel } from "@fettle/shared/roles/gitlab.ts";
import * as z from "zod";
import { CHECK_MODEL } from "../../clients/gitlab/documents.ts";
import type { GitlabState } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { type Hop, hopOf, timeout } from "./answers-hop.ts";
import { wantedSettings } from "./duo-settings.ts";
import { access, type Gitlab, stateOf } from "./gitlab.ts";
import { askedBy, type Checked, dueInMs, isDue, keepCheck, lastCheck } from "./last-check.ts";
import { recordInput } from "./model.ts";
import { leadingTo } from "./model-record.ts";

/** What one look comes to; a check is made only where nothing stands before it. */
type Observed =
  | { readonly kind: "checked"; readonly last: Checked; readonly dueMs: number }
  | { readonly kind: "gated"; readonly gate: Gate }
  | { readonly kind: "before"; readonly resource: string }
  | { readonly kind: "version"; readonly version: string }
  | { readonly kind: "unchecked" }
  | { readonly kind: "in-turn" };

const DEFAULT_SECONDS = 60;
const SPARE_MS = 15_000;
/** Between two looks for another model whose test is under way. */
const LEAST_MS = 1_000;
const result = z.object({ result: z.object({ success: z.boolean().nullish(), message: z.string().nullish() }) });

/** A model answers GitLab through the gateway: real inference, on change and every 15 minutes; sooner after a failure. */
export function answers(gitlab: Gitlab, model: GitlabModel): Resource<Observed> {
  const id = `gitlab.answers[${model.key}]`;
  const declared = { model, settings: wantedSettings(gitlab.params) };
  const key = hashOf(declared);
  const seconds = gitlab.params.timeoutSeconds ?? DEFAULT_SECONDS;
  return define<Observed>({
    id,
    declared,
    after: ["gitlab.token", `gitlab.model[${model.key}]`, "gitlab.duo-settings"],
    lookMs: seconds * 1000 + 3 * SPARE_MS,
    observe: (ctx, signal) => observe(ctx, gitlab, { model, key, seconds }, signal),
    diff: (observed) => diff(observed, id, model),
    checkedAt: (observed) => (observed.kind === "checked" ? observed.last.at : null),
    againMs: (observed) => (observed.kind === "checked" ? observed.dueMs : null),
  });
}

interface Asked {
  readonly model: GitlabModel;
  readonly key: string;
  readonly seconds: number;
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, asked: Asked, signal: AbortSignal): Promise<Observed> {
  const { gate, kept, host } = ctx;
  const { notes } = gitlab;
  const last = lastCheck(kept, asked.key);
  const now = host.clock.now();
  if (gate === undefined) return last === null ? { kind: "unchecked" } : checked(last, now);
  if (!gate.open) return { kind: "gated", gate };
  if (last !== null && !isDue(last, kept, now, notes.changedAt)) return checked(last, now);
  // One model at a time: each may have to be loaded for it.
  if (notes.checking) return last === null ? { kind: "in-turn" } : checked(last, now);
  notes.checking = true;
  try {
    return await checkNow(ctx, gitlab, asked, last, signal);
  } finally {
    notes.checking = false;
  }
}

async function checkNow(
  ctx: ResourceContext,
  gitlab: Gitlab,
  asked: Asked,
  last: Checked | null,
  signal: AbortSignal,
): Promise<Observed> {
  const state = await stateOf(ctx, gitlab, signal);
  const before = missingFirst(state, gitlab, asked.model);
  if (before !== null) return { kind: "before", resource: before };
  if (!state.schema.has("Mutation.aiSelfHostedModelConnectionCheck"))
    return { kind: "version", version: state.version };
  const at = ctx.host.clock.now();
  const token = askedBy(ctx.kept);
  const hop = await check(ctx, gitlab, state, asked, signal);
  const failures = hop === null ? 0 : (last?.failures ?? 0) + 1;
  return checked(keepCheck(ctx.kept, { key: asked.key, at, failures, hop, asked: token }), at);
}

function checked(last: Checked, now: number): Observed {
  return { kind: "checked", last, dueMs: Math.max(LEAST_MS, dueInMs(last, now)) };
}

/** What is not in GitLab yet, so that a check would only say so; where it cannot be read it is tried. */
function missingFirst({ settings, models }: GitlabState, gitlab: Gitlab, model: GitlabModel): string | null {
  const url = wantedSettings(gitlab.params).aiGatewayUrl;
  if (settings !== null && settings.aiGatewayUrl?.replace(/\/+$/, "") !== url) return "gitlab.duo-settings";
  if (models !== null && leadingTo(models, model).length === 0) return `gitlab.model[${model.key}]`;
  return null;
}

/** null when the model answered. */
async function check(
  ctx: ResourceContext,
  gitlab: Gitlab,
  { schema, version }: GitlabState,
  { model, seconds }: Asked,
  signal: AbortSignal,
): Promise<Hop | null> {
  const chain = { model, gatewayUrl: gitlab.params.gatewayUrl, version, seconds };
  const input = recordInput(model, schema);
  try {
    const asking = await access(ctx, gitlab);
    const deadlineMs = seconds * 1000 + SPARE_MS;
    const payload = await ctx.clients.gitlab.mutate(asking, CHECK_MODEL, input, signal, deadlineMs);
    const parsed = result.safeParse(payload.fields);
    if (parsed.success && parsed.data.result.success === true) return null;
    const message = parsed.success ? parsed.data.result.message : null;
    return hopOf(message ?? payload.errors.join("; "), chain);
  } catch (error) {
    if (!signal.aborted && isLate(error)) return timeout(chain);
    throw error;
  }
}

function isLate(error: unknown): boolean {
  const cause = error instanceof FettleError ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === "ETIMEDOUT";
}

function diff(observed: Observed, id: string, { key: model }: GitlabModel): Verdict {
  switch (observed.kind) {
    case "checked":
      return observed.last.hop === null ? { kind: "in-sync" } : { kind: "blocked", ...observed.last.hop };
    case "gated":
      return gated(observed.gate, id);
    case "before":
      return { kind: "waiting", code: "agent.after", args: { resource: id, before: observed.resource } };
    case "version":
      return { kind: "blocked", code: "gitlab.answers.version", args: { version: observed.version, model } };
    case "unchecked":
      return { kind: "waiting", code: "gitlab.answers.not-checked", args: { model } };
    case "in-turn":
      return { kind: "unknown", code: "agent.in-transit", args: { what: id, state: "waiting for its turn" } };
  }
}

function gated({ fact, stuck }: Gate, resource: string): Verdict {
  const args = { resource, fact };
  if (stuck) return { kind: "blocked", code: "agent.gate-stuck", args };
  return { kind: "waiting", code: "agent.gated", args };
}

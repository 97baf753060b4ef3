import { FettleError } from "@fettle/shared/lib/errors.ts";
import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { GitlabAccess } from "./access.ts";
import { CHOICES, ECHO, type GitlabDocument, MORE_MODELS, SCHEMA, STATES } from "./documents.ts";
import { mutate, type Payload, query } from "./graphql.ts";
import { type ApplicationSettings, applicationSettings, replaceOutbound } from "./outbound.ts";
import { type Readiness, readiness } from "./readiness.ts";
import { type GitlabSchema, schemaFrom } from "./schema.ts";
import { type SeatHolder, seatHolder } from "./seats.ts";
import { type GitlabState, type ModelRecord, modelPage, nextOf, stateFrom, unexpected } from "./state.ts";
import { type RotatedToken, revokeToken, rotateToken, type TokenSelf, tokenSelf } from "./tokens.ts";

const LONGEST_LIST = 20;
const choices = z.object({
  aiFeatureSettings: z
    .object({
      nodes: z.array(
        z.object({
          feature: z.string(),
          title: z.string().nullish(),
          compatibleLlms: z.array(z.string()).nullish(),
          validModels: z.object({ nodes: z.array(z.object({ id: z.string() })) }).nullish(),
        }),
      ),
    })
    .nullish(),
});

/** What may be chosen for a feature. */
export interface FeatureChoice {
  readonly feature: string;
  readonly title: string;
  /** Families, when GitLab says them. */
  readonly families: readonly string[];
  readonly models: readonly string[];
}

/**
 * GitLab's API as far as Fettle uses it (facts: gitlab-duo.md sections 1 and 2). Failures are FettleErrors with codes
 * `gitlab.api.…`, `gitlab.token.rejected` and `gitlab.writable.readonly`; a fired signal throws its reason.
 */
export interface GitlabClient {
  /** GitLab's own checks; never throws but by the signal. */
  readiness(access: GitlabAccess, signal: AbortSignal): Promise<Readiness>;
  /** False when GitLab says that it is a read-only instance. */
  writable(access: GitlabAccess, signal: AbortSignal): Promise<boolean>;
  tokenSelf(access: GitlabAccess, signal: AbortSignal): Promise<TokenSelf>;
  rotateToken(access: GitlabAccess, expiresAt: string, signal: AbortSignal): Promise<RotatedToken>;
  revokeToken(access: GitlabAccess, signal: AbortSignal): Promise<void>;
  /** Version, user, licence, settings, models and features, in one request where the models fit on a page. */
  state(access: GitlabAccess, signal: AbortSignal): Promise<GitlabState>;
  choices(access: GitlabAccess, schema: GitlabSchema, signal: AbortSignal): Promise<readonly FeatureChoice[]>;
  seatHolder(
    access: GitlabAccess,
    schema: GitlabSchema,
    wanted: { readonly user: string; readonly addOn: string; readonly purchase: string },
    signal: AbortSignal,
  ): Promise<SeatHolder | null>;
  settings(access: GitlabAccess, signal: AbortSignal): Promise<ApplicationSettings>;
  replaceOutbound(access: GitlabAccess, list: readonly string[], signal: AbortSignal): Promise<void>;
  /** One mutation of documents.ts; what its payload refuses is in `errors`. */
  mutate(
    access: GitlabAccess,
    document: GitlabDocument,
    input: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    deadlineMs?: number,
  ): Promise<Payload>;
}

export function gitlabClient(host: Host): GitlabClient {
  const schemas = new Map<string, GitlabSchema>();
  return {
    readiness: (access, signal) => readiness(host, access, signal),
    writable: (access, signal) => writable(host, access, signal),
    tokenSelf: (access, signal) => tokenSelf(host, access, signal),
    rotateToken: (access, expiresAt, signal) => rotateToken(host, access, expiresAt, signal),
    revokeToken: (access, signal) => revokeToken(host, access, signal),
    state: (access, signal) => state(host, schemas, access, signal),
    choices: (access, schema, signal) => featureChoices(host, access, schema, signal),
    seatHolder: (access, schema, wanted, signal) => seatHolder(host, access, schema, wanted, signal),
    settings: (access, signal) => applicationSettings(host, access, signal),
    replaceOutbound: (access, list, signal) => replaceOutbound(host, access, list, signal),
    mutate: (access, document, input, signal, deadlineMs) => mutate(host, access, document, input, signal, deadlineMs),
  };
}

/** Every GitLab looks at this before it looks at who asks, so that any other refusal means that it can be written. */
async function writable(host: Host, access: GitlabAccess, signal: AbortSignal): Promise<boolean> {
  try {
    await mutate(host, access, ECHO, { messages: ["fettle"] }, signal);
    return true;
  } catch (error) {
    if (!(error instanceof FettleError)) throw error;
    if (error.code === "gitlab.writable.readonly") return false;
    if (error.code === "gitlab.api.refused") return true;
    if (error.code !== "gitlab.token.rejected" || access.token === null) throw error;
    return writable(host, { ...access, token: null }, signal);
  }
}

/** What a version's API has is learnt once, and anew when the version or the API turns out to be another. */
async function state(
  host: Host,
  schemas: Map<string, GitlabSchema>,
  access: GitlabAccess,
  signal: AbortSignal,
): Promise<GitlabState> {
  const known = schemas.get(access.url);
  const found = known && (await readState(host, known, access, signal).catch(unlessRefused));
  if (found && found.version === known.version) return found;
  const schema = schemaFrom(await query(host, access, SCHEMA, {}, signal));
  schemas.set(access.url, schema);
  return readState(host, schema, access, signal);
}

/** A field that is gone is refused; then the schema is learnt anew. */
function unlessRefused(error: unknown): null {
  if (error instanceof FettleError && error.code === "gitlab.api.refused") return null;
  throw error;
}

async function readState(
  host: Host,
  schema: GitlabSchema,
  access: GitlabAccess,
  signal: AbortSignal,
): Promise<GitlabState> {
  const document = schema.pick(STATES);
  if (document === null) throw new Error("impossible: the last of the state documents needs nothing");
  const { state: first, after } = stateFrom(await query(host, access, document, {}, signal), schema);
  if (after === null) return first;
  return { ...first, models: [...(first.models ?? []), ...(await moreModels(host, schema, access, after, signal))] };
}

async function moreModels(
  host: Host,
  schema: GitlabSchema,
  access: GitlabAccess,
  from: string,
  signal: AbortSignal,
): Promise<ModelRecord[]> {
  const document = schema.pick(MORE_MODELS);
  const models: ModelRecord[] = [];
  let after: string | null = from;
  for (let page = 0; document !== null && after !== null; page += 1) {
    if (page === LONGEST_LIST)
      throw new FettleError("gitlab.api.refused", { what: document.name, problem: "too many" });
    const data: Readonly<Record<string, unknown>> = await query(host, access, document, { after }, signal);
    const parsed = modelPage.safeParse(data.aiSelfHostedModels);
    if (!parsed.success) throw unexpected("its models", schema, parsed.error);
    models.push(...parsed.data.nodes);
    after = nextOf(parsed.data.pageInfo);
  }
  return models;
}

async function featureChoices(
  host: Host,
  access: GitlabAccess,
  schema: GitlabSchema,
  signal: AbortSignal,
): Promise<readonly FeatureChoice[]> {
  const parsed = choices.safeParse(await query(host, access, CHOICES, {}, signal));
  if (!parsed.success) throw unexpected("what may be chosen for a feature", schema, parsed.error);
  return (parsed.data.aiFeatureSettings?.nodes ?? []).map(({ feature, title, compatibleLlms, validModels }) => ({
    feature,
    title: title ?? feature,
    families: (compatibleLlms ?? []).map((one) => one.toLowerCase()),
    models: (validModels?.nodes ?? []).map(({ id }) => id),
  }));
}

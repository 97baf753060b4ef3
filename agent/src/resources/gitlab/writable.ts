import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { GitlabAccess } from "../../clients/gitlab/access.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { access, accessWith, type Gitlab, LOOK_MS, stateOf } from "./gitlab.ts";

interface Observed {
  /** Why it cannot be written; null when it can. */
  readonly readonly: string | null;
  /** Null while there is no token to ask with. */
  readonly version: string | null;
  /** A change of version in its first 10 minutes, in words; null otherwise. */
  readonly changing: string | null;
}

/** After an upgrade GitLab goes on with migrations and restarts. */
const CHANGE_MS = 10 * 60_000;

/** GitLab takes writes: no Geo secondary, no maintenance, no deploy, and its version is not new. */
export function writable(gitlab: Gitlab): Resource<Observed> {
  return define<Observed>({
    id: "gitlab.writable",
    declared: { url: gitlab.params.url },
    after: ["gitlab.ready"],
    everyMs: gitlab.pollMs,
    lookMs: LOOK_MS,
    observe: (ctx, signal) => observe(ctx, gitlab, signal),
    diff,
    facts: ({ version }): Readonly<Record<string, string>> => (version ? { gitlabVersion: version } : {}),
  });
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<Observed> {
  const asking = await access(ctx, gitlab).catch(ifNoToken);
  const readonly = await readonlyWhy(ctx, asking ?? (await accessWith(ctx, gitlab, null)), signal);
  if (readonly !== null || asking === null) return { readonly, version: null, changing: null };
  const version = await versionOf(ctx, gitlab, signal);
  return { readonly, version, changing: version === null ? null : changeOf(ctx, version) };
}

async function readonlyWhy(ctx: ResourceContext, asking: GitlabAccess, signal: AbortSignal): Promise<string | null> {
  try {
    if (await ctx.clients.gitlab.writable(asking, signal)) return null;
  } catch (error) {
    if (error instanceof FettleError && error.code === "gitlab.api.page" && error.args.status === 503)
      return "it shows the page of a deploy";
    throw error;
  }
  const maintenance = await ctx.clients.gitlab.settings(asking, signal).then(
    (settings) => settings.maintenance,
    () => null,
  );
  signal.throwIfAborted();
  if (maintenance === null) return "it is a Geo secondary or in maintenance mode";
  return maintenance ? "it is in maintenance mode" : "it is a Geo secondary";
}

/** A token that is not taken is gitlab.token's matter: that GitLab can be written is known without. */
async function versionOf(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<string | null> {
  try {
    return (await stateOf(ctx, gitlab, signal)).version;
  } catch (error) {
    if (error instanceof FettleError && error.code === "gitlab.token.rejected") return null;
    throw error;
  }
}

function ifNoToken(error: unknown): null {
  if (error instanceof FettleError && error.code === "gitlab.token.none") return null;
  throw error;
}

/** The first version that is ever seen is no change. */
function changeOf({ kept, host }: ResourceContext, version: string): string | null {
  const now = host.clock.now();
  const known = kept.get("version");
  if (known !== version) {
    kept.set("version", version);
    if (known !== null) kept.set("changed", JSON.stringify({ at: now, from: known }));
  }
  const changed = JSON.parse(kept.get("changed") ?? "null") as { at: number; from: string } | null;
  if (changed === null || now < changed.at || now - changed.at >= CHANGE_MS) return null;
  return `its version changed from ${changed.from} to ${version} less than 10 minutes ago`;
}

function diff({ readonly, changing }: Observed): Verdict {
  const why = readonly ?? changing;
  return why === null ? { kind: "in-sync" } : { kind: "waiting", code: "gitlab.writable.readonly", args: { why } };
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { GitlabAccess } from "../../clients/gitlab/access.ts";
import type { GitlabState } from "../../clients/gitlab/state.ts";
import type { ResourceContext } from "../resource.ts";
import { heldToken } from "./held-token.ts";
import type { Notes } from "./notes.ts";

/** What the role is given beside its parameters. */
export interface GitlabOptions {
  /** Ms between two looks at GitLab's settings. */
  readonly pollMs: number;
  /** Told every value of a token before it is used, so that it is cut out of all that is stored, sent or logged. */
  readonly remember: (secret: string) => void;
  /** Where the agent keeps its secrets; `/var/lib/fettle-agent/secrets` when not given. */
  readonly secretsFolder?: string;
}

/** What the kinds of this role share. */
export interface Gitlab {
  readonly params: GitlabParams;
  readonly pollMs: number;
  readonly remember: (secret: string) => void;
  readonly secretsFolder: string;
  readonly notes: Notes;
}

/** Long enough for a slow GitLab to be asked two or three things. */
export const LOOK_MS = 30_000;
export const SETTLE_MS = 60_000;
/** Nothing is written before these are in sync. */
export const BEFORE_WRITES = ["gitlab.writable", "gitlab.token"] as const;

/** GitLab, asked with this token. Throws FettleError `gitlab.api.ca-file`. */
export async function accessWith(ctx: ResourceContext, gitlab: Gitlab, token: Secret | null): Promise<GitlabAccess> {
  const { url, ca: path } = gitlab.params;
  const ca = path === undefined ? null : await ctx.pass.once("gitlab:ca", () => ctx.host.files.readText(path));
  if (path !== undefined && ca === null) throw new FettleError("gitlab.api.ca-file", { path });
  return { url: url.replace(/\/+$/, ""), ca, token };
}

/** GitLab with the token that this machine holds. Throws FettleError `gitlab.token.none` when it holds none. */
export async function access(ctx: ResourceContext, gitlab: Gitlab): Promise<GitlabAccess> {
  const held = await ctx.pass.once("gitlab:held-token", () => heldToken(ctx.host.files, gitlab));
  if (held.token === null) throw new FettleError("gitlab.token.none");
  return accessWith(ctx, gitlab, held.token);
}

/** What one pass sees of GitLab, read once for all. Throws FettleError as the client does, and as `access` does. */
export function stateOf(ctx: ResourceContext, gitlab: Gitlab, signal: AbortSignal): Promise<GitlabState> {
  return ctx.pass.once("gitlab:state", async () => ctx.clients.gitlab.state(await access(ctx, gitlab), signal));
}

/** Verdict for what GitLab does not show: the licence or the token's user is the cause, and has a code of its own. */
export function hidden({ version }: GitlabState, what: string) {
  return { kind: "blocked", code: "gitlab.licence.hides", args: { what, version } } as const;
}

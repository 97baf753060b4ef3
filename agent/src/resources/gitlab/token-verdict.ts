import type { CodeArgs } from "@fettle/shared/codes/code.ts";
import type { Code } from "@fettle/shared/codes/codes.ts";
import type { GitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { TokenSelf } from "../../clients/gitlab/tokens.ts";
import type { ResourceFinding, Verdict } from "../resource.ts";
import type { HeldToken } from "./held-token.ts";
import { SCOPES } from "./mint.ts";

export interface TokenFound {
  readonly held: HeldToken;
  /** What GitLab says of it; null when there is none. */
  readonly self: TokenSelf | null;
  /** Whose it is; null when GitLab takes it for nothing. */
  readonly user: { readonly name: string; readonly admin: boolean } | null;
  readonly version: string | null;
  /** The user for whom a token was made already. */
  readonly mintedFor: string | null;
  /** Why the last try needs a person: `{actor, code, args}` as JSON. */
  readonly refusal: string | null;
  readonly approved: boolean;
  readonly runner: boolean;
  readonly freeBytes: number;
  readonly now: number;
}

type Declared = GitlabParams["token"];
type Good = Extract<TokenSelf, { kind: "good" }>;

export const MINT = "GitLab token";
const END = "end of the GitLab token";
const NEEDED_BYTES = 2_000_000_000;
const BAD: Readonly<Record<Extract<TokenSelf, { kind: "bad" }>["why"], Code>> = {
  revoked: "gitlab.token.revoked",
  expired: "gitlab.token.expired",
  unknown: "gitlab.token.unknown",
  "user-blocked": "gitlab.token.user-blocked",
};

/** Pure. A token is made once by consent of the stack, and again only when a person approves. */
export function tokenVerdict(found: TokenFound, declared: Declared): Verdict {
  const { self, held } = found;
  if (held.token === null || self === null) return absent(found, declared);
  if (self.kind === "bad") return again(found, declared, BAD[self.why], { how: how(declared) });
  const missing = self.scopes.includes("api") ? null : "api";
  if (missing !== null) {
    const args = { missing, found: self.scopes.join(", ") || "none", how: how(declared) };
    return again(found, declared, "gitlab.token.scope", args);
  }
  if (found.user?.admin !== true) {
    const args = { user: found.user?.name ?? "(unknown)", how: how(declared) };
    return again(found, declared, "gitlab.token.not-admin", args);
  }
  return aged(self, found, declared);
}

/** How long the token lives in all, in ms; null when it has no end. */
export function lifeOf({ createdAt, expiresAt }: Good): number | null {
  return expiresAt === null ? null : Math.max(expiresAt - createdAt, 0);
}

function absent(found: TokenFound, declared: Declared): Verdict {
  if (declared.kind === "file") return blocked("gitlab.token.file-absent", { path: declared.path });
  if (found.mintedFor === declared.actor)
    return again(found, declared, "gitlab.token.missing", { actor: declared.actor });
  const refusal = refusalOf(found, declared.actor);
  return refusal !== null && !found.approved ? refusal : minted(found, declared.actor);
}

/** What a new token would cure, once a person has approved that it is made. */
function again(found: TokenFound, declared: Declared, code: Code, args: CodeArgs): Verdict {
  if (declared.kind === "mint" && found.approved) return minted(found, declared.actor);
  return blocked(code, args);
}

function minted({ runner, freeBytes }: TokenFound, actor: string): Verdict {
  if (!runner) return blocked("gitlab.token.no-runner", {});
  if (freeBytes < NEEDED_BYTES) {
    const args = { free: gigabytes(freeBytes), needed: gigabytes(NEEDED_BYTES) };
    return { kind: "waiting", code: "gitlab.token.low-memory", args };
  }
  const changes = [{ what: MINT, from: null, to: `made for ${actor}` }];
  return {
    kind: "drift",
    changes,
    disturbs: "none",
    breaking: false,
    creates: `a GitLab token of ${actor} (${SCOPES.join(", ")})`,
  };
}

function aged(self: Good, { now, held }: TokenFound, declared: Declared): Verdict {
  const life = lifeOf(self);
  const findings = exposed(held, declared);
  if (life === null || self.expiresAt === null || self.expiresAt - now >= life / 3)
    return { kind: "in-sync", findings };
  const changes = [{ what: END, from: new Date(self.expiresAt).toISOString().slice(0, 10), to: "rotated" }];
  return { kind: "drift", changes, disturbs: "none", breaking: false, findings };
}

function exposed({ fileMode }: HeldToken, declared: Declared): ResourceFinding[] {
  if (declared.kind !== "file" || fileMode === null || (fileMode & 0o077) === 0) return [];
  const args = { path: declared.path, mode: fileMode.toString(8).padStart(4, "0") };
  return [{ code: "gitlab.token.file-exposed", args }];
}

function refusalOf({ refusal }: TokenFound, actor: string): Verdict | null {
  const known = JSON.parse(refusal ?? "null") as { actor: string; code: Code; args: CodeArgs } | null;
  return known === null || known.actor !== actor ? null : blocked(known.code, known.args);
}

function blocked(code: Code, args: CodeArgs): Verdict {
  return { kind: "blocked", code, args };
}

function how(declared: Declared): string {
  if (declared.kind === "mint") return "run `fettle approve NODE/gitlab.token` to have a new one made";
  return `write a new token of an administrator (scopes api and admin_mode) to ${declared.path}`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import * as z from "zod";
import type { Host } from "../../system/host.ts";
import type { GitlabAccess } from "./access.ts";
import { exchange, type JsonAnswer } from "./exchange.ts";
import { READ_ONLY } from "./graphql.ts";

const self = z.object({
  id: z.number(),
  scopes: z.array(z.string()),
  active: z.boolean(),
  created_at: z.string(),
  expires_at: z.string().nullish(),
});
const rotated = z.object({ id: z.number(), token: z.string().min(1), expires_at: z.string().nullish() });
const problem = z.looseObject({
  message: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
});

/** What GitLab says of the token that asks; only the REST API tells why one is not taken. */
export type TokenSelf =
  | {
      readonly kind: "good";
      readonly id: number;
      readonly scopes: readonly string[];
      /** Wall-clock ms. */
      readonly createdAt: number;
      /** Wall-clock ms of the beginning of the day (UTC) on which it ends; null when it has no end. */
      readonly expiresAt: number | null;
    }
  | { readonly kind: "bad"; readonly why: "revoked" | "expired" | "unknown" | "user-blocked" };

export interface RotatedToken {
  readonly id: number;
  readonly token: Secret;
  readonly expiresAt: string | null;
}

export async function tokenSelf(host: Host, access: GitlabAccess, signal: AbortSignal): Promise<TokenSelf> {
  const answer = await exchange(host, access, { path: "/api/v4/personal_access_tokens/self" }, signal);
  if (answer.status === 401 || answer.status === 403) return { kind: "bad", why: whyOf(answer) };
  const parsed = self.safeParse(answer.json);
  if (answer.status !== 200 || !parsed.success) throw refused("personal_access_tokens/self", answer);
  const { id, scopes, created_at, expires_at } = parsed.data;
  const expiresAt = expires_at ? Date.parse(expires_at) : null;
  return { kind: "good", id, scopes, createdAt: Date.parse(created_at), expiresAt };
}

/**
 * Replaces the token that asks by a new one until `expiresAt` (a day); the old one ends at once, and whoever rotates
 * with it again loses the new one too. Throws FettleError `gitlab.token.rotate-failed` or `gitlab.writable.readonly`.
 */
export async function rotateToken(
  host: Host,
  access: GitlabAccess,
  expiresAt: string,
  signal: AbortSignal,
): Promise<RotatedToken> {
  const path = "/api/v4/personal_access_tokens/self/rotate";
  const asked = { method: "POST", path, body: { expires_at: expiresAt } } as const;
  const answer = await exchange(host, access, asked, signal);
  const parsed = rotated.safeParse(answer.json);
  if (!parsed.success) throw notRotated(problemOf(answer));
  const { id, token, expires_at } = parsed.data;
  return { id, token: new Secret(token), expiresAt: expires_at ?? null };
}

/** Ends the token that asks, at once. Throws FettleError `gitlab.api.refused` or `gitlab.writable.readonly`. */
export async function revokeToken(host: Host, access: GitlabAccess, signal: AbortSignal): Promise<void> {
  const path = "/api/v4/personal_access_tokens/self";
  const answer = await exchange(host, access, { method: "DELETE", path }, signal);
  if (answer.status === 204) return;
  const said = problemOf(answer);
  if (READ_ONLY.test(said)) throw new FettleError("gitlab.writable.readonly", { why: said });
  throw refused("DELETE personal_access_tokens/self", answer);
}

function whyOf({ status, json }: JsonAnswer): Extract<TokenSelf, { kind: "bad" }>["why"] {
  const said = problem.safeParse(json);
  const text = said.success ? `${said.data.error_description ?? ""} ${said.data.message ?? ""}` : "";
  if (/expired/i.test(text)) return "expired";
  if (/revoked/i.test(text)) return "revoked";
  return status === 403 ? "user-blocked" : "unknown";
}

function notRotated(problem: string): FettleError {
  if (READ_ONLY.test(problem)) return new FettleError("gitlab.writable.readonly", { why: problem });
  return new FettleError("gitlab.token.rotate-failed", { problem });
}

/** Never the body itself: an answer about tokens may hold one. */
function problemOf({ status, json }: JsonAnswer): string {
  const said = problem.safeParse(json);
  const text = said.success ? (said.data.error_description ?? said.data.message ?? said.data.error) : undefined;
  return (text ?? `status ${status}`).slice(0, 300);
}

function refused(what: string, answer: JsonAnswer): FettleError {
  return new FettleError("gitlab.api.refused", { what, problem: problemOf(answer) });
}

import type { IncomingMessage } from "node:http";
import { type Answer, json } from "./answer.ts";
import { findToken, isExpired } from "./tokens.ts";
import type { Caller, World } from "./world.ts";

export type Identity =
  | { kind: "anonymous" }
  | { kind: "caller"; caller: Caller }
  | { kind: "refused"; why: "unknown" | "expired" | "revoked" | "blocked"; tokenId?: string };

/** Reads `PRIVATE-TOKEN` or a bearer token. */
export function identify(world: World, request: IncomingMessage): Identity {
  const value = tokenOf(request);
  if (value === null) return { kind: "anonymous" };
  const found = findToken(world.store.state, value);
  if (!found) return { kind: "refused", why: "unknown" };
  const { id: tokenId, token } = found;
  if (token.revoked) return { kind: "refused", why: "revoked", tokenId };
  if (isExpired(world, token)) return { kind: "refused", why: "expired", tokenId };
  const user = world.store.state.users[token.user];
  if (!user?.active) return { kind: "refused", why: "blocked" };
  return { kind: "caller", caller: { userId: token.user, user, tokenId, token } };
}

/** The REST API's answer to a token it does not take. */
export function refusal(why: Extract<Identity, { kind: "refused" }>["why"]): Answer {
  switch (why) {
    case "unknown":
      return unauthorized();
    case "blocked":
      return json(403, { message: "403 Forbidden - Your account has been blocked." });
    case "expired":
      return invalidToken("Token is expired. You can either do re-authorization or token refresh.");
    case "revoked":
      return invalidToken("Token was revoked. You have to re-authorize from the user.");
  }
}

export function unauthorized(): Answer {
  return json(401, { message: "401 Unauthorized" });
}

export function insufficientScope(scopes: readonly string[]): Answer {
  return json(403, {
    error: "insufficient_scope",
    error_description: "The request requires higher privileges than provided by the access token.",
    scope: scopes.join(" "),
  });
}

/** An administrator; where Admin Mode is on, only with a token of that scope. */
export function isAdmin(world: World, caller: Caller | null): boolean {
  if (!caller?.user.admin) return false;
  if (!world.store.state.applicationSettings.admin_mode) return true;
  return caller.token.scopes.includes("admin_mode");
}

export function hasScope(caller: Caller, scopes: readonly string[]): boolean {
  return scopes.some((scope) => caller.token.scopes.includes(scope));
}

function invalidToken(description: string): Answer {
  return json(401, { error: "invalid_token", error_description: description });
}

function tokenOf(request: IncomingMessage): string | null {
  const own = request.headers["private-token"];
  if (typeof own === "string" && own !== "") return own;
  const bearer = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? "");
  return bearer?.[1] ?? null;
}

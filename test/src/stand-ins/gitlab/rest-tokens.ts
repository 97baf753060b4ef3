import { type Answer, empty, json } from "./answer.ts";
import { hasScope, isAdmin } from "./auth.ts";
import type { RestCall, Route } from "./rest.ts";
import { isActive, revokeToken, rotateToken, TokenInvalid } from "./tokens.ts";
import { nowIso, type World } from "./world.ts";

/** A token about itself, and an administrator about any. */
export const TOKEN_ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/personal_access_tokens\/self$/, scopes: [], run: self },
  { method: "DELETE", path: /^\/personal_access_tokens\/self$/, scopes: [], run: revokeSelf },
  {
    method: "POST",
    path: /^\/personal_access_tokens\/self\/rotate$/,
    scopes: ["api", "self_rotate"],
    run: (call) => rotate(call, call.caller.tokenId),
  },
  { method: "POST", path: /^\/personal_access_tokens\/(\d+)\/rotate$/, scopes: ["api"], run: rotateOne },
  { method: "DELETE", path: /^\/personal_access_tokens\/(\d+)$/, scopes: ["api"], run: revokeOne },
];

function self({ world, caller }: RestCall): Answer {
  return json(200, { ...view(world, caller.tokenId), last_used_at: nowIso(world) });
}

function revokeSelf({ world, caller }: RestCall): Answer {
  revokeToken(world, caller.tokenId);
  return empty(204);
}

function rotateOne(call: RestCall): Answer {
  const id = call.match[1] ?? "";
  return allowed(call, id) ? rotate(call, id) : json(401, { message: "401 Unauthorized" });
}

function revokeOne(call: RestCall): Answer {
  const id = call.match[1] ?? "";
  if (!allowed(call, id)) return json(404, { message: "404 Not Found" });
  revokeToken(call.world, id);
  return empty(204);
}

function rotate({ world, params }: RestCall, id: string): Answer {
  const day = params.expires_at;
  if (day !== undefined && !isDay(day)) return json(400, { error: "expires_at is invalid" });
  try {
    const created = rotateToken(world, id, isDay(day) ? day : undefined);
    return json(200, { ...view(world, created.id), token: created.value });
  } catch (error) {
    if (error instanceof TokenInvalid) return json(400, { message: `400 Bad request - ${error.message}` });
    throw error;
  }
}

function allowed({ world, caller }: RestCall, id: string): boolean {
  const token = world.store.state.tokens[id];
  if (!token || !hasScope(caller, ["api"])) return false;
  return token.user === caller.userId || isAdmin(world, caller);
}

function isDay(value: unknown): value is string {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));
}

function view(world: World, id: string): Record<string, unknown> {
  const token = world.store.state.tokens[id];
  if (!token) return {};
  return {
    id: Number(id),
    name: token.name,
    revoked: token.revoked,
    created_at: token.createdAt,
    description: null,
    scopes: token.scopes,
    user_id: Number(token.user),
    last_used_at: null,
    active: isActive(world, token),
    expires_at: token.expiresAt ?? null,
  };
}

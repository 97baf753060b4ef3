import type { IncomingMessage } from "node:http";
import { type Answer, json } from "./answer.ts";
import { hasScope, type Identity, insufficientScope, isAdmin, refusal, unauthorized } from "./auth.ts";
import { APPLICATION_ROUTES } from "./rest-application.ts";
import { readParams } from "./rest-params.ts";
import { TOKEN_ROUTES } from "./rest-tokens.ts";
import { revokeDescendants } from "./tokens.ts";
import type { Caller, World } from "./world.ts";

/** What a REST handler gets. */
export interface RestCall {
  world: World;
  caller: Caller;
  /** What the path's groups matched. */
  match: RegExpExecArray;
  params: Record<string, unknown>;
}

export interface Route {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without /api/v4, anchored. */
  path: RegExp;
  /** Any one of these; none named: any token at all. */
  scopes: readonly string[];
  admin?: boolean;
  /** What an administrator must be able to do to leave maintenance mode again. */
  inMaintenance?: boolean;
  run(call: RestCall): Answer;
}

const ROUTES: readonly Route[] = [...APPLICATION_ROUTES, ...TOKEN_ROUTES];
const PREFIX = "/api/v4";
const ROTATE = /^\/personal_access_tokens\/[^/]+\/rotate$/;

export function answerRest(world: World, request: IncomingMessage, identity: Identity, url: URL, body: string): Answer {
  const path = url.pathname.slice(PREFIX.length);
  const method = request.method ?? "GET";
  log(world, identity, method, url.pathname);
  const route = ROUTES.find((candidate) => candidate.method === method && candidate.path.test(path));
  const blocked = readOnlyRefusal(world, method, route);
  if (blocked) return blocked;
  if (!route) return json(404, { error: "404 Not Found" });
  if (identity.kind === "anonymous") return unauthorized();
  if (identity.kind === "refused") {
    if (identity.why === "revoked" && identity.tokenId && ROTATE.test(path)) revokeDescendants(world, identity.tokenId);
    return refusal(identity.why);
  }
  const { caller } = identity;
  if (route.scopes.length > 0 && !hasScope(caller, route.scopes)) return insufficientScope(route.scopes);
  if (route.admin && !isAdmin(world, caller)) return json(403, { message: "403 Forbidden" });
  const match = route.path.exec(path);
  if (!match) return json(404, { error: "404 Not Found" });
  return route.run({ world, caller, match, params: readParams(request, url, body) });
}

/** Maintenance says 503 and a Geo secondary 403, each before anybody asks who is calling. */
function readOnlyRefusal(world: World, method: string, route: Route | undefined): Answer | null {
  if (method === "GET" || method === "HEAD") return null;
  const { applicationSettings, geo } = world.store.state;
  if (geo === "secondary") return json(403, { message: "You cannot perform write operations on a read-only instance" });
  if (!applicationSettings.maintenance_mode || route?.inMaintenance) return null;
  return json(503, { message: "GitLab Maintenance: system is in maintenance mode" }, { "retry-after": "60" });
}

function log(world: World, identity: Identity, method: string, path: string): void {
  world.requests.add({
    at: world.now(),
    kind: "rest",
    name: `${method} ${path}`,
    token: identity.kind === "caller" ? identity.caller.token.name : "",
    writes: method !== "GET" && method !== "HEAD",
  });
}

/** Who may ask: the checks of the Cloud Connector library, in its order and with its texts. */
import type { IncomingHttpHeaders } from "node:http";
import { type Claims, verifyToken } from "./jwt.ts";
import type { KeySet } from "./key-set.ts";
import { type LogLine, logException, PythonError } from "./log.ts";
import type { Settings } from "./settings.ts";

/** Answered with 401 and the text as `error`. */
export class Refused extends Error {}

export interface AuthContext {
  settings: Settings;
  keySet: KeySet;
  log: LogLine;
  now: () => number;
  rejectsTokens: () => boolean;
}

const OPEN_PATHS = ["/monitoring/healthz", "/monitoring/ready", "/metrics", "/v1/models/definitions"];

/** The claims of the token; none where no token is asked for. Throws Refused, or PythonError for a 500. */
export async function authenticate(path: string, headers: IncomingHttpHeaders, context: AuthContext): Promise<Claims> {
  const { settings, log, now, keySet } = context;
  if (OPEN_PATHS.includes(path)) return {};
  if (settings.bypass) {
    log("critical", "authentication", "Auth is disabled, all users allowed");
    return {};
  }
  if (settings.bypassWithHeader && headers["bypass-auth"] === "true") {
    log("critical", "authentication", "Auth is disabled, all requests with `Bypass-Auth` header set allowed");
    return {};
  }
  const token = bearer(headers);
  const keys = await keySet.keys();
  if (keys.length === 0) {
    const text = "No keys founds in JWKS; are OIDC providers up?";
    throw new PythonError("gitlab_cloud_connector.providers.CompositeProvider", "CriticalAuthError", text);
  }
  if (context.rejectsTokens()) throw new Refused("Forbidden by auth provider");
  const claims = verified(() => verifyToken(token, keys, now()), log);
  checkHeaders(claims, headers);
  return claims;
}

function bearer(headers: IncomingHttpHeaders): string {
  if (headers.authorization === undefined) throw new Refused("No authorization header presented");
  const [scheme = "", token = ""] = headers.authorization.split(" ");
  if (scheme.toLowerCase() !== "bearer") throw new Refused("Invalid authorization header");
  if (headers["x-gitlab-authentication-type"] !== "oidc") {
    throw new Refused("Invalid authentication token type - only OIDC is supported");
  }
  return token;
}

function verified(check: () => Claims, log: LogLine): Claims {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof PythonError)) throw error;
    logException(log, error);
    throw new Refused("Forbidden by auth provider");
  }
}

function checkHeaders(claims: Claims, headers: IncomingHttpHeaders): void {
  const subject = claims.iss === "gitlab-ai-gateway" ? "X-Gitlab-Global-User-Id" : "X-Gitlab-Instance-Id";
  const wanted = { "X-Gitlab-Realm": claims.gitlab_realm, [subject]: claims.sub };
  for (const [header, claim] of Object.entries(wanted)) {
    if (claim && claim !== headers[header.toLowerCase()]) throw new Refused(`Header mismatch '${header}'`);
  }
}

import { type Answer, json } from "./answer.ts";
import type { World } from "./world.ts";

const DAY = 86_400;

/** The OpenID Connect documents that the gateway reads to verify GitLab's calls. Null: the client waits for ever. */
export async function answerDiscovery(world: World, path: string): Promise<Answer | null> {
  const broken = world.faults.now.jwks;
  if (broken === "error") return json(500, { message: "500 Internal Server Error" });
  if (broken === "hang") return null;
  if (path === "/.well-known/openid-configuration") return json(200, configuration(world.url));
  const keys = broken === "empty" ? { keys: [] } : await world.signer.jwks();
  return json(200, keys, { "cache-control": `max-age=${DAY}, public, must-revalidate, no-transform` });
}

export function isDiscovery(path: string): boolean {
  return path === "/.well-known/openid-configuration" || path === "/oauth/discovery/keys";
}

function configuration(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/oauth/authorize`,
    token_endpoint: `${url}/oauth/token`,
    revocation_endpoint: `${url}/oauth/revoke`,
    introspection_endpoint: `${url}/oauth/introspect`,
    userinfo_endpoint: `${url}/oauth/userinfo`,
    jwks_uri: `${url}/oauth/discovery/keys`,
    scopes_supported: ["api", "read_api", "read_user", "openid", "profile", "email"],
    response_types_supported: ["code"],
    response_modes_supported: ["query", "fragment", "form_post"],
    grant_types_supported: ["authorization_code", "password", "client_credentials", "refresh_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    claim_types_supported: ["normal"],
    code_challenge_methods_supported: ["plain", "S256"],
  };
}

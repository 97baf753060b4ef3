/** The gateway's own keys: what it signs the tokens of direct connections with. */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { type LogLine, logException, PythonError } from "./log.ts";
import type { Authority } from "./settings.ts";

const UNREADABLE =
  "Could not deserialize key data. The data may be in an incorrect format, it may be encrypted with an unsupported " +
  "algorithm, or it may be an unsupported key type (e.g. EC curves with explicit parameters).";

/** A PEM from the environment; undefined when it is not set or, with its line in the log, when it is malformed. */
function readKey(pem: string, log: LogLine): KeyObject | undefined {
  if (pem === "") return undefined;
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // Falls through to the one line that every unreadable key gets.
  }
  logException(log, new PythonError("jose.exceptions", "JWKError", UNREADABLE));
  return undefined;
}

export function ownPublicKeys(authority: Authority, log: LogLine): JsonWebKey[] {
  return [
    { key: readKey(authority.signingKey, log), kid: "gitlab_ai_gateway_signing_key" },
    { key: readKey(authority.validationKey, log), kid: "gitlab_ai_gateway_validation_key" },
  ].flatMap(({ key, kid }) =>
    key === undefined ? [] : [{ ...createPublicKey(key).export({ format: "jwk" }), kid, use: "sig", alg: "RS256" }],
  );
}

/** A token for a user's editor, or undefined when the keys are not both there and readable. */
export function createUserToken(
  authority: Authority,
  claims: Record<string, unknown>,
  nowMs: number,
  log: LogLine,
): { token: string; expires_at: number } | undefined {
  const key = readKey(authority.signingKey, log);
  if (key === undefined || readKey(authority.validationKey, log) === undefined) return undefined;
  const issuedAt = Math.floor(nowMs / 1000);
  const expires_at = issuedAt + 3600;
  const payload = { ...claims, iss: "gitlab-ai-gateway", aud: "gitlab-ai-gateway", iat: issuedAt, exp: expires_at };
  const text = [{ alg: "RS256", typ: "JWT", kid: "gitlab_ai_gateway_signing_key" }, payload].map(encoded).join(".");
  return { token: `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`, expires_at };
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

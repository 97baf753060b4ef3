/** Verifies a token as python-jose does: every key of the set is tried, and the errors carry its texts. */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { PythonError } from "./log.ts";

export type Claims = Record<string, unknown>;

const AUDIENCE = "gitlab-ai-gateway";

const jose = (className: string, message: string): PythonError =>
  new PythonError("jose.exceptions", className, message);

export function verifyToken(token: string, keys: readonly JsonWebKey[], nowMs: number): Claims {
  const [head, body, signature] = token.split(".");
  const header = decoded(head);
  if (header === undefined || body === undefined || signature === undefined) {
    throw jose("JWTError", "Error decoding token headers.");
  }
  if (header.alg !== "RS256") throw jose("JWTError", "The specified alg value is not allowed");
  const signed = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!keys.some((key) => isSignedBy(key, signed, bytes))) throw jose("JWTError", "Signature verification failed.");
  const claims = decoded(body);
  if (claims === undefined) throw jose("JWTError", "Invalid payload string: must be a json object");
  checkClaims(claims, nowMs / 1000);
  return claims;
}

function decoded(part: string | undefined): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part ?? "", "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}

function isSignedBy(jwk: JsonWebKey, signed: Buffer, signature: Buffer): boolean {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return false;
  }
  return verify("RSA-SHA256", signed, key, signature);
}

function checkClaims(claims: Claims, nowS: number): void {
  if (typeof claims.nbf === "number" && claims.nbf > nowS) {
    throw jose("JWTClaimsError", "The token is not yet valid (nbf)");
  }
  if (typeof claims.exp === "number" && claims.exp < nowS) {
    throw jose("ExpiredSignatureError", "Signature has expired.");
  }
  const audiences = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (!audiences.includes(AUDIENCE)) throw jose("JWTClaimsError", "Invalid audience");
}

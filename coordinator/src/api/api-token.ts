import { randomBytes } from "node:crypto";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";

/** `fettleapi1.<id>.<secret>`; the coordinator keeps the secret's hash only. */
const TOKEN = /^Bearer fettleapi1\.([a-z0-9]{16})\.([A-Za-z0-9_-]{43})$/;

export function newApiToken(): { id: string; token: Secret; secretHash: string } {
  const id = randomBytes(8).toString("hex");
  const secret = randomBytes(32).toString("base64url");
  return { id, token: new Secret(`fettleapi1.${id}.${secret}`), secretHash: sha256Hex(secret) };
}

/** The parts of an Authorization header; null when it is no token of ours. */
export function splitToken(header: string): { id: string; secret: string } | null {
  const match = TOKEN.exec(header);
  return match === null ? null : { id: match[1] ?? "", secret: match[2] ?? "" };
}

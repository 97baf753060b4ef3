import { createPublicKey, verify } from "node:crypto";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import { type ReleaseManifest, releaseManifest, type SignedManifest } from "@fettle/shared/release/manifest.ts";

/**
 * The manifest, if one of the keys (ed25519, SPKI in base64) has signed it. Throws FettleError `update.unsigned` when
 * nobody signed it, `update.untrusted` when none of the signatures is a trusted key's or right, `update.bad-manifest`.
 */
export function verified({ manifest, signatures }: SignedManifest, keys: readonly string[]): ReleaseManifest {
  if (signatures.length === 0) throw new FettleError("update.unsigned");
  const trusted = new Map(keys.map((key) => [keyId(key), key]));
  const good = signatures.some(({ key, signature }) => {
    const known = trusted.get(key);
    return known !== undefined && isSigned(manifest, signature, known);
  });
  if (!good)
    throw new FettleError("update.untrusted", { keys: signatures.map(({ key }) => key.slice(0, 12)).join(", ") });
  const parsed = releaseManifest.safeParse(parse(manifest));
  if (!parsed.success) throw new FettleError("update.bad-manifest", { problem: parsed.error.issues[0]?.message ?? "" });
  return parsed.data;
}

function isSigned(text: string, signature: string, key: string): boolean {
  try {
    const spki = createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" });
    if (spki.asymmetricKeyType !== "ed25519") return false;
    return verify(null, Buffer.from(text), spki, Buffer.from(signature, "base64"));
  } catch {
    return false;
  }
}

/** sha256 of the key's SPKI DER, 64 hex digits. */
export function keyId(key: string): string {
  return sha256Hex(Buffer.from(key, "base64"));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { createHash, type KeyObject, X509Certificate } from "node:crypto";

/** Every certificate of a text that holds some behind each other, PEM. */
export function pemsOf(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** sha256 of the public key's SPKI DER. */
export function keyHash(key: KeyObject, encoding: "hex" | "base64" | "base64url"): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest(encoding);
}

/** sha256 of the certificate's DER, 64 hex digits: how the coordinator knows it. */
export function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

/**
 * The root among `roots` that the chain (leaf first) hangs on by right signatures, or null. Dates are not looked at:
 * this says who made it, TLS says whether it still counts. Throws for text that is no certificate.
 */
export function rootOf(chain: string, roots: string): X509Certificate | null {
  const [leaf, ...above] = pemsOf(chain).map((pem) => new X509Certificate(pem));
  const trusted = pemsOf(roots).map((pem) => new X509Certificate(pem));
  let at = leaf;
  for (let step = 0; at !== undefined && step < 3; step += 1) {
    const child = at;
    const root = trusted.find((one) => isIssuer(one, child));
    if (root !== undefined) return root;
    at = above.find((one) => isIssuer(one, child));
  }
  return null;
}

function isIssuer(issuer: X509Certificate, child: X509Certificate): boolean {
  return issuer.ca && child.checkIssued(issuer) && child.verify(issuer.publicKey);
}

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReleaseManifest, SignedManifest } from "../../shared/src/release/manifest.ts";

/** A manifest as it lies beside its archive; the signatures are over its exact text. */
export function signed(manifest: ReleaseManifest, keys: readonly KeyObject[]): SignedManifest {
  const text = JSON.stringify(manifest);
  const signatures = keys.map((key) => ({
    key: createHash("sha256").update(spkiOf(key)).digest("hex"),
    signature: sign(null, Buffer.from(text), key).toString("base64"),
  }));
  return { manifest: text, signatures };
}

/** From PEM. Throws where it is no ed25519 private key. */
export function signingKey(pem: string): KeyObject {
  return ed25519(createPrivateKey(pem), "signing key");
}

/** A public key in PEM as it is compiled in: SPKI in base64. Throws where it is no ed25519 key, or a private one. */
export function releaseKey(pem: string): string {
  if (pem.includes("PRIVATE KEY")) throw new Error("a release key that is compiled in is public, this one is private");
  return spkiOf(ed25519(createPublicKey(pem), "release key")).toString("base64");
}

function ed25519(key: KeyObject, what: string): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`the ${what} is ${key.asymmetricKeyType}, not ed25519`);
  return key;
}

function spkiOf(key: KeyObject): Buffer {
  const half = key.type === "private" ? createPublicKey(key) : key;
  return half.export({ type: "spki", format: "der" });
}

/** Makes a pair in `folder`; what is there already stays, and is an error. */
export function makeReleaseKey(folder: string): { secret: string; open: string } {
  const paths = { secret: join(folder, "fettle-release.pem"), open: join(folder, "fettle-release.pub") };
  for (const path of Object.values(paths)) if (existsSync(path)) throw new Error(`${path} is there already`);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(paths.secret, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });
  writeFileSync(paths.open, publicKey.export({ type: "spki", format: "pem" }), { mode: 0o600, flag: "wx" });
  return paths;
}

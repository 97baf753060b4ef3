import * as z from "zod";
import { hash } from "../protocol/names.ts";

export const RELEASE_PRODUCTS = ["fettle-agent", "fettle-coordinator"] as const;
export const RELEASE_VERSION = /^\d{1,5}\.\d{1,5}\.\d{1,5}$/;

/** What a release archive is; the signature is over the exact text of this as JSON. */
export const releaseManifest = z.strictObject({
  product: z.enum(RELEASE_PRODUCTS),
  version: z.string().regex(RELEASE_VERSION),
  arch: z.enum(["x64", "arm64"]),
  /** Bytes of the `.tar.gz`. */
  size: z.number().int().positive(),
  /** Of the `.tar.gz`. */
  sha256: hash,
  /** The lowest version that may be updated to this one directly. */
  minVersion: z.string().regex(RELEASE_VERSION),
  /** The oldest and the newest protocol that this version speaks. */
  wire: z.strictObject({ oldest: z.number().int(), newest: z.number().int() }),
});
export type ReleaseManifest = z.infer<typeof releaseManifest>;

/** An ed25519 signature by the key whose SPKI DER has this sha256. */
export const releaseSignature = z.strictObject({ key: hash, signature: z.base64().max(100) });

/** As it lies beside an archive (`NAME.tar.gz.manifest`) and as it crosses the wire. */
export const signedManifest = z.strictObject({
  /** The manifest's JSON, as it was signed, to the byte. */
  manifest: z.string().max(2000),
  /** Empty for a build without a key: nothing takes it as an update. */
  signatures: z.array(releaseSignature).max(4),
});
export type SignedManifest = z.infer<typeof signedManifest>;

/** An archive's file name. */
export function releaseArchiveName({
  product,
  version,
  arch,
}: Pick<ReleaseManifest, "product" | "version" | "arch">): string {
  return `${product}-${version}-linux-${arch}.tar.gz`;
}

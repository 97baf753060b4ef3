import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { FettleError } from "@fettle/shared/lib/errors.ts";

export const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;

/** A new EC P-256 key, PKCS#8 PEM. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

export function publicOf(privatePem: string): KeyObject {
  return createPublicKey(createPrivateKey(privatePem));
}

/** Throws `identity.bad-key` for anything but an EC P-256 public key in PEM. */
export function agentKey(pem: string): KeyObject {
  try {
    if (!pem.includes("PUBLIC KEY")) throw new Error("not a public key");
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  } catch (error) {
    throw new FettleError("identity.bad-key", {}, { cause: error });
  }
  throw new FettleError("identity.bad-key");
}

export function spki(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

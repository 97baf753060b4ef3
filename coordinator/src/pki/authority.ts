import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import type { Issuer } from "./certificates.ts";
import { keyHash, newKey } from "./keys.ts";
import { readKey, readPem, writePem } from "./pem-file.ts";

export const DAY_MS = 24 * 60 * 60_000;
const CA_DAYS = 3650;
/** Certificates count from an hour ago, so that a machine whose clock is somewhat behind takes them. */
export const BACKDATE_MS = 60 * 60_000;

/** The coordinator's own CA, as it lies in `pki/`. */
export interface Authority extends Issuer {
  readonly notAfter: number;
  /** sha256 of its public key's SPKI, base64url; stands in every enrolment token. */
  readonly pin: string;
}

/** Makes the CA; the folder must hold none. */
export async function createAuthority(folder: string, coordinatorId: string, clock: Clock): Promise<void> {
  const { caCertificate } = await import("./certificates.ts");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const key = newKey();
  const now = clock.now();
  const validity = { notBefore: now - BACKDATE_MS, notAfter: now + CA_DAYS * DAY_MS };
  await writePem(join(folder, "ca.key"), key, 0o600);
  await writePem(join(folder, "ca.pem"), await caCertificate(`Fettle CA ${coordinatorId}`, key, validity), 0o644);
}

/** Throws `coordinator.bad-pki` or `coordinator.exposed`. */
export async function loadAuthority(folder: string): Promise<Authority> {
  const path = join(folder, "ca.pem");
  const certificate = await readPem(path);
  const key = await readKey(join(folder, "ca.key"));
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.ca || !parsed.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not this CA's");
    return { certificate, key, notAfter: parsed.validToDate.getTime(), pin: keyHash(parsed.publicKey, "base64url") };
  } catch (error) {
    throw new FettleError("coordinator.bad-pki", { path, problem: messageOf(error) }, { cause: error });
  }
}

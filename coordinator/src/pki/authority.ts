import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { writeDurably } from "../durable.ts";
import type { Issuer } from "./certificates.ts";
import { newKey } from "./keys.ts";
import { isThere, readKey, readPem } from "./pem-file.ts";

export const DAY_MS = 24 * 60 * 60_000;
const ROOT_DAYS = 3650;
const ISSUER_DAYS = 1825;
/** An issuer is renewed by the root when it has less left than this. */
const ISSUER_RENEW_DAYS = 365;
/** Certificates count from an hour ago, so that a machine whose clock is somewhat behind takes them. */
export const BACKDATE_MS = 60 * 60_000;

/** What lies in the folder of one authority. `ca.key` may be taken off the machine. */
export const AUTHORITY_FILES = ["ca.pem", "ca.key", "issuer.pem", "issuer.key"] as const;
const [ROOT, ROOT_KEY, ISSUER, ISSUER_KEY] = AUTHORITY_FILES;
export const ROOT_KEY_FILE = ROOT_KEY;

/** The issuing CA that makes every certificate, and the root above it that the agents trust. */
export interface Authority extends Issuer {
  /** The issuing CA's end. */
  readonly notAfter: number;
  /** The root's certificate, PEM. */
  readonly root: string;
  readonly rootNotAfter: number;
  /** sha256 of the root key's SPKI, base64url; stands in every enrolment token. */
  readonly pin: string;
  /** The same in hex, as agents say whom they trust. */
  readonly rootHash: string;
}

/** Makes a root and its issuing CA; the folder must hold none. */
export async function createAuthority(folder: string, coordinatorId: string, clock: Clock): Promise<void> {
  const { caCertificate } = await import("./certificates.ts");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const key = newKey();
  const now = clock.now();
  const certificate = await caCertificate(`Fettle CA ${coordinatorId}`, key, validity(now, ROOT_DAYS));
  await writeDurably(join(folder, ROOT_KEY), key, 0o600);
  await writeDurably(join(folder, ROOT), certificate, 0o644);
  await writeDurably(join(folder, ISSUER_KEY), newKey(), 0o600);
  await writeIssuer(folder, { certificate, key }, now);
}

/** Throws `coordinator.bad-pki` or `coordinator.exposed`. */
export async function loadAuthority(folder: string): Promise<Authority> {
  const root = await readPem(join(folder, ROOT));
  const certificate = await readPem(join(folder, ISSUER));
  const key = await readKey(join(folder, ISSUER_KEY));
  if (await isThere(join(folder, ROOT_KEY))) await readKey(join(folder, ROOT_KEY));
  try {
    const [above, own] = [new X509Certificate(root), new X509Certificate(certificate)];
    if (!own.ca || !own.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not this CA's");
    if (!above.ca || !own.checkIssued(above) || !own.verify(above.publicKey)) throw new Error("it is another root's");
    return {
      certificate,
      key,
      notAfter: own.validToDate.getTime(),
      root,
      rootNotAfter: above.validToDate.getTime(),
      pin: keyHash(above.publicKey, "base64url"),
      rootHash: keyHash(above.publicKey, "hex"),
    };
  } catch (error) {
    throw new FettleError("coordinator.bad-pki", { path: join(folder, ISSUER), problem: messageOf(error) });
  }
}

/** Gives the issuing CA a new certificate when its own is near its end and the root's key is here; the key stays. */
export async function renewIssuer(folder: string, authority: Authority, now: number): Promise<Authority> {
  if (authority.notAfter - now > ISSUER_RENEW_DAYS * DAY_MS || !(await isThere(join(folder, ROOT_KEY))))
    return authority;
  if (authority.rootNotAfter - now < ISSUER_RENEW_DAYS * DAY_MS) return authority;
  await writeIssuer(folder, { certificate: authority.root, key: await readKey(join(folder, ROOT_KEY)) }, now);
  return await loadAuthority(folder);
}

async function writeIssuer(folder: string, root: Issuer, now: number): Promise<void> {
  const { issuerCertificate } = await import("./certificates.ts");
  const above = new X509Certificate(root.certificate);
  const wanted = validity(now, ISSUER_DAYS);
  const end = Math.min(wanted.notAfter, above.validToDate.getTime());
  const name = `${above.subject.replace(/^CN=/, "")} issuer`;
  const key = await readKey(join(folder, ISSUER_KEY));
  const certificate = await issuerCertificate(root, name, key, { ...wanted, notAfter: end });
  await writeDurably(join(folder, ISSUER), certificate, 0o644);
}

/** A leaf's certificate with the issuing CA's behind it, as it is shown to the other side. */
export function chainOf(leaf: string, { certificate }: Pick<Authority, "certificate">): string {
  return `${leaf.trimEnd()}\n${certificate.trimEnd()}\n`;
}

function validity(now: number, days: number) {
  return { notBefore: now - BACKDATE_MS, notAfter: now + days * DAY_MS };
}

import { X509Certificate } from "node:crypto";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { ipAddress, isUnspecified } from "@fettle/shared/lib/address.ts";
import type { Clock } from "@fettle/shared/lib/clock.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { writeDurably } from "../durable.ts";
import { type Authority, BACKDATE_MS, chainOf, DAY_MS } from "./authority.ts";
import { newKey } from "./keys.ts";
import { isThere, readKey, readPem } from "./pem-file.ts";
import type { ServerIdentity } from "./pki.ts";

const LIFE_DAYS = 90;
const RENEW_BEFORE_DAYS = 60;

/** Names and addresses that the certificate has to hold. */
export interface ServerNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** The fixed name first, then localhost, what the configuration adds, and every address of this machine. */
export function namesOf(coordinatorName: string, given: readonly string[]): ServerNames {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = own.filter(({ scopeid }) => !scopeid).map(({ address }) => address);
  const all = ["127.0.0.1", ...given, ...addresses].map((name) => ({ name, ip: ipAddress(name) }));
  const ips = all.flatMap(({ ip }) => (ip === null || isUnspecified(ip) ? [] : [ip]));
  const dns = all.flatMap(({ name, ip }) => (ip === null ? [name] : []));
  return { dns: [...new Set([coordinatorName, "localhost", ...dns])], ips: [...new Set(ips)] };
}

/**
 * The coordinator's certificate: the one in the folder while it is good for 60 days and holds all the names, else a
 * new one. The key is made once and stays, so that a pinned key stays right.
 */
export async function serverIdentity(
  folder: string,
  authority: Authority,
  names: ServerNames,
  clock: Clock,
): Promise<ServerIdentity & { readonly renewed: boolean }> {
  const key = await serverKey(join(folder, "server.key"));
  const path = join(folder, "server.pem");
  const kept = await readPem(path).catch(() => null);
  const now = clock.now();
  if (kept !== null && serves(kept, authority, names, now)) return identity(kept, key, false);
  const { serverCertificate } = await import("./certificates.ts");
  const validity = { notBefore: now - BACKDATE_MS, notAfter: Math.min(now + LIFE_DAYS * DAY_MS, authority.notAfter) };
  const fresh = chainOf(await serverCertificate(authority, key, names, validity), authority);
  await writeDurably(path, fresh, 0o644);
  return identity(fresh, key, true);
}

function identity(certificate: string, key: string, renewed: boolean): ServerIdentity & { readonly renewed: boolean } {
  const notAfter = new X509Certificate(certificate).validToDate.getTime();
  return { certificate, key: new Secret(key), notAfter, renewed };
}

async function serverKey(path: string): Promise<string> {
  if (!(await isThere(path))) await writeDurably(path, newKey(), 0o600);
  return await readKey(path);
}

function serves(pem: string, authority: Authority, names: ServerNames, now: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.verify(new X509Certificate(authority.certificate).publicKey)) return false;
    if (certificate.validToDate.getTime() - now < RENEW_BEFORE_DAYS * DAY_MS) return false;
    if (certificate.validFromDate.getTime() > now) return false;
    const held = names.dns.every((name) => certificate.checkHost(name) !== undefined);
    return held && names.ips.every((ip) => certificate.checkIP(ip) !== undefined);
  } catch {
    return false;
  }
}

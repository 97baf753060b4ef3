import { createHash, type webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { CertificateSpec } from "./state.ts";

/** PEM texts of what the listener shows, and of the authority that clients are to trust. */
export interface ServerCertificate {
  key: string;
  cert: string;
  ca: string;
}

interface Issuer {
  name: string;
  cert: string;
  key: string;
}

const DAY = 86_400_000;

/**
 * The certificate that the spec asks for, from the folder when it was made before. Making one loads the certificate
 * library, so it is done only when something changed.
 */
export async function serverCertificate(home: string, spec: CertificateSpec, now: number): Promise<ServerCertificate> {
  const folder = join(home, "ssl");
  const mark = createHash("sha256").update(JSON.stringify(spec)).digest("hex").slice(0, 16);
  const files = { key: join(folder, `${mark}.key`), cert: join(folder, `${mark}.crt`) };
  const ca = join(home, "ca.crt");
  if (!existsSync(files.cert) || !existsSync(ca)) await make(home, spec, now, files);
  const authority = readFileSync(ca, "utf8");
  return { key: readFileSync(files.key, "utf8"), cert: readFileSync(files.cert, "utf8"), ca: authority };
}

async function make(
  home: string,
  spec: CertificateSpec,
  now: number,
  files: { key: string; cert: string },
): Promise<void> {
  mkdirSync(join(home, "ssl"), { recursive: true });
  const authority = await loadAuthority(home, now);
  const made = await issue(spec.kind === "ca" ? authority : null, spec, now);
  writeFileSync(files.key, made.key, { mode: 0o600 });
  writeFileSync(files.cert, made.cert);
}

async function loadAuthority(home: string, now: number): Promise<Issuer> {
  const files = { cert: join(home, "ca.crt"), key: join(home, "ca.key") };
  if (!existsSync(files.cert)) await makeAuthority(files, now);
  return { name: AUTHORITY, cert: readFileSync(files.cert, "utf8"), key: readFileSync(files.key, "utf8") };
}

const AUTHORITY = "CN=GitLab stand-in CA";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

async function makeAuthority(files: { cert: string; key: string }, now: number): Promise<void> {
  const x509 = await library();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: AUTHORITY,
    issuer: AUTHORITY,
    notBefore: new Date(now - 400 * DAY),
    notAfter: new Date(now + 3650 * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  writeFileSync(files.key, await privatePem(keys.privateKey), { mode: 0o600 });
  writeFileSync(files.cert, `${made.toString("pem")}\n`);
}

async function issue(by: Issuer | null, spec: CertificateSpec, now: number): Promise<{ key: string; cert: string }> {
  const x509 = await library();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const subject = `CN=${spec.names[0] ?? "localhost"}`;
  const notAfter = now + spec.days * DAY;
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject,
    issuer: by?.name ?? subject,
    notBefore: new Date(Math.min(now, notAfter) - 30 * DAY),
    notAfter: new Date(notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: by ? await importKey(by.key) : keys.privateKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        spec.names.map((value) => ({ type: isIP(value) ? "ip" : "dns", value }) as const),
      ),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  const chain = by ? `${made.toString("pem")}\n${by.cert}` : `${made.toString("pem")}\n`;
  return { key: await privatePem(keys.privateKey), cert: chain };
}

async function library(): Promise<typeof import("@peculiar/x509")> {
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, "$1\n").trim()}\n-----END PRIVATE KEY-----\n`;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return Buffer.from(bytes).toString("hex");
}

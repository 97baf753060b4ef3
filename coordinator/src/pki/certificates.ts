import "reflect-metadata";
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { CURVE, publicOf, spki } from "./keys.ts";

// The library is loaded by this file alone, which is imported when there is something to issue.
x509.cryptoProvider.set(webcrypto);

const SIGNING = { ...CURVE, hash: "SHA-256" } as const;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface Issuer {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed root certificate, PEM, for one issuing CA below it. */
export async function caCertificate(name: string, key: string, validity: Validity): Promise<string> {
  const publicKey = publicOf(key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name}`,
    issuer: `CN=${name}`,
    ...dates(validity),
    publicKey: toBuffer(spki(publicKey)),
    signingKey: signingKey(key),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await subjectKeyId(publicKey),
    ],
  });
  return certificate.toString("pem");
}

/** The certificate of the issuing CA, PEM, which may issue leaves only. */
export async function issuerCertificate(
  root: Issuer,
  name: string,
  key: string,
  { notBefore, notAfter }: Validity,
): Promise<string> {
  const ca = new x509.X509Certificate(root.certificate);
  const publicKey = publicOf(key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name}`,
    issuer: ca.subject,
    ...dates({ notBefore, notAfter }),
    publicKey: toBuffer(spki(publicKey)),
    signingKey: signingKey(root.key),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await subjectKeyId(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  return certificate.toString("pem");
}

/** The coordinator's certificate: serverAuth only. */
export async function serverCertificate(
  issuer: Issuer,
  key: string,
  names: { dns: readonly string[]; ips: readonly string[] },
  validity: Validity,
): Promise<string> {
  const alternatives = [
    ...names.dns.map((value) => ({ type: "dns" as const, value })),
    ...names.ips.map((value) => ({ type: "ip" as const, value })),
  ];
  const subject = names.dns[0] ?? "coordinator";
  const san = new x509.SubjectAlternativeNameExtension(alternatives);
  return await leaf(issuer, publicOf(key), { subject, usage: SERVER_AUTH, validity, more: [san] });
}

/** An agent's certificate: clientAuth only, CN = node id. */
export async function agentCertificate(
  issuer: Issuer,
  key: KeyObject,
  nodeId: string,
  validity: Validity,
): Promise<string> {
  return await leaf(issuer, key, { subject: nodeId, usage: CLIENT_AUTH, validity, more: [] });
}

interface Leaf {
  readonly subject: string;
  readonly usage: string;
  readonly validity: Validity;
  readonly more: readonly x509.Extension[];
}

async function leaf(issuer: Issuer, key: KeyObject, { subject, usage, validity, more }: Leaf): Promise<string> {
  const ca = new x509.X509Certificate(issuer.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${subject}`,
    issuer: ca.subject,
    ...dates(validity),
    publicKey: toBuffer(spki(key)),
    signingKey: signingKey(issuer.key),
    signingAlgorithm: SIGNING,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage], true),
      await subjectKeyId(key),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
      ...more,
    ],
  });
  return certificate.toString("pem");
}

function signingKey(pem: string): webcrypto.CryptoKey {
  return createPrivateKey(pem).toCryptoKey(CURVE, false, ["sign"]);
}

async function subjectKeyId(key: KeyObject): Promise<x509.Extension> {
  return await x509.SubjectKeyIdentifierExtension.create(toBuffer(spki(key)));
}

function dates({ notBefore, notAfter }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

/** 127 random bits: positive and never empty in front. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

function toBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

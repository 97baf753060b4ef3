import { createHash, X509Certificate } from "node:crypto";
import type { Identity } from "@fettle/agent/store/identity.ts";
import { agentCertificate, caCertificate, serverCertificate } from "@fettle/coordinator/pki/certificates.ts";
import { newKey, publicOf } from "@fettle/coordinator/pki/keys.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";

export const COORDINATOR = "coordinator.4f1c.fettle.internal";
const DAY = 86_400_000;

export interface TestCa {
  readonly certificate: string;
  readonly key: string;
  /** sha256 of its SubjectPublicKeyInfo, base64url: what a token names. */
  readonly pin: string;
}

const validity = () => ({ notBefore: Date.now() - DAY, notAfter: Date.now() + DAY });

export async function newCa(): Promise<TestCa> {
  const key = newKey();
  const certificate = await caCertificate("test CA", key, validity());
  const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return { certificate, key, pin: createHash("sha256").update(spki).digest("base64url") };
}

export async function newServer(ca: TestCa, name = COORDINATOR): Promise<{ cert: string; key: string }> {
  const key = newKey();
  return { key, cert: await serverCertificate(ca, key, { dns: [name], ips: [] }, validity()) };
}

export async function agentCert(ca: TestCa, publicKeyOf: string): Promise<string> {
  return agentCertificate(ca, publicOf(publicKeyOf), "5b0c7c3e-node", validity());
}

export async function newIdentity(ca: TestCa, coordinatorName = COORDINATOR): Promise<Identity> {
  const key = newKey();
  return {
    node: "ollama-1",
    stack: "duo",
    roles: ["ollama"],
    certificate: await agentCert(ca, key),
    ca: ca.certificate,
    coordinatorName,
    agentPort: 7444,
    key: new Secret(key),
    expiresAt: Date.now() + DAY,
  };
}

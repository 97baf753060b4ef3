import * as z from "zod";
import { nodeName } from "../protocol/names.ts";

/**
 * Enrolment on the operator's listener (7443). The agent fetches `caPath` without verification, compares the hash of
 * the CA's public key with the one in its token, connects again verified, and only then sends the secret.
 */
export const CA_PATH = "/v1/ca";
export const ENROL_PATH = "/v1/enrol";
export const API_PORT = 7443;
export const AGENT_PORT = 7444;
/** The agents' WebSocket on 7444. */
export const LINK_PATH = "/v1/link";

/** `fettle1.<sha256 of the CA's SubjectPublicKeyInfo, base64url>.<id>.<secret, base64url>`. */
export const enrolToken = z.string().regex(/^fettle1\.[A-Za-z0-9_-]{43}\.[a-z0-9]{8,32}\.[A-Za-z0-9_-]{32,64}$/);

export const caAnswer = z.object({
  /** The CA's certificate, PEM. */
  ca: z.string().max(16_384),
  /** The fixed name in the coordinator's certificate, as in `coordinator.4f1c….fettle.internal`. */
  coordinatorName: z.string().max(120),
});
export type CaAnswer = z.infer<typeof caAnswer>;

export const enrolRequest = z.object({
  token: enrolToken,
  /** SubjectPublicKeyInfo of an EC P-256 key, PEM; the key is made on the agent and never leaves it. */
  publicKey: z.string().max(1000),
  /** base64 ECDSA-SHA256 signature (DER) by that key over `enrolProof(tokenId, publicKey)`. */
  proof: z.string().max(200),
  machineId: z.string().max(80),
  /** The cloud's instance id; empty on own metal. */
  instanceId: z.string().max(80).optional(),
  /** The firmware's id of the machine; empty where there is none. */
  productUuid: z.string().max(80).optional(),
  version: z.string().max(40),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

/** What the agent signs to show that it has the private key. */
export function enrolProof(tokenId: string, publicKey: string): string {
  return `fettle-enrol\n${tokenId}\n${publicKey}`;
}

export const enrolAnswer = z.object({
  node: nodeName,
  stack: z.string().max(63),
  roles: z.array(z.string().max(40)),
  /** The agent's certificate, PEM: CN = node id, clientAuth, 90 days. */
  certificate: z.string().max(16_384),
  ca: z.string().max(16_384),
  coordinatorName: z.string().max(120),
  agentPort: z.number().int(),
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;

import * as z from "zod";
import { machine } from "../protocol/machine.ts";

/** On the agents' port (7444), with the certificate that is to be renewed. Answered as an enrolment is. */
export const RENEW_PATH = "/v1/renew";

export const renewRequest = z.object({
  /** SubjectPublicKeyInfo of a new EC P-256 key, PEM. */
  publicKey: z.string().max(1000),
  /** base64 ECDSA-SHA256 signature (DER) by that key over `renewProof(fingerprint, publicKey)`. */
  proof: z.string().max(200),
  machine,
});
export type RenewRequest = z.infer<typeof renewRequest>;

/** `fingerprint` is that of the certificate which is shown: sha256 of its DER, 64 hex digits. */
export function renewProof(fingerprint: string, publicKey: string): string {
  return `fettle-renew\n${fingerprint}\n${publicKey}`;
}

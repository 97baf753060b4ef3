import { createPublicKey, sign, X509Certificate } from "node:crypto";
import { text } from "node:stream/consumers";
import { type EnrolAnswer, enrolAnswer } from "@fettle/shared/api/enrol.ts";
import { errorAnswer } from "@fettle/shared/api/error.ts";
import { READMIT_PATH, readmitNonce, readmitProof } from "@fettle/shared/api/readmit.ts";
import { RENEW_PATH, renewProof } from "@fettle/shared/api/renew.ts";
import { fingerprintOf, rootOf } from "@fettle/shared/lib/certificates.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import type { Machine } from "@fettle/shared/protocol/machine.ts";
import type { Identity } from "../store/identity.ts";
import { agentCall } from "./agent-call.ts";
import { enrolCall } from "./enrol-call.ts";
import type { Address } from "./parts.ts";

const WAIT_MS = 20_000;

export interface NewCertificate {
  readonly identity: Identity;
  /** The new key. */
  readonly key: Secret;
  readonly machine: Machine;
}

/** A certificate for the new key, asked for with the one that is good still. Throws `link.…` or `identity.refused`. */
export async function askRenewal(address: Address, { identity, key, machine }: NewCertificate): Promise<string> {
  const publicKey = publicOf(key);
  const fingerprint = fingerprintOf(new X509Certificate(identity.certificate));
  const body = { publicKey, proof: signed(renewProof(fingerprint, publicKey), key), machine };
  const signal = AbortSignal.timeout(WAIT_MS);
  const response = await agentCall(address, identity, { method: "POST", path: RENEW_PATH, body, signal });
  return certificateOf(address, identity, publicKey, response.statusCode ?? 0, parsed(await text(response)));
}

/**
 * A certificate for the new key, asked for with nothing but the key of one that has run out; null while a person has to
 * say so first. Throws `identity.…`.
 */
export async function askReadmission(
  address: Address,
  { identity, key, machine }: NewCertificate,
): Promise<string | null> {
  const trust = { ca: identity.ca, coordinatorName: identity.coordinatorName };
  const first = await enrolCall(address, { path: READMIT_PATH, trust });
  const nonce = readmitNonce.safeParse(first.body);
  if (!nonce.success) throw refused(address, first.status, first.body);
  const [currentKey, newKey] = [publicOf(identity.key), publicOf(key)];
  const said = { nonce: nonce.data.nonce, currentKey, newKey, machine };
  const proof = readmitProof(identity.coordinatorName, said);
  const body = { ...said, currentProof: signed(proof, identity.key), newProof: signed(proof, key) };
  const reply = await enrolCall(address, { path: READMIT_PATH, body, trust });
  return reply.status === 202 ? null : certificateOf(address, identity, newKey, reply.status, reply.body);
}

/** What comes back must be for our key, and made by somebody we trust already. */
function certificateOf(address: Address, { ca }: Identity, publicKey: string, status: number, body: unknown): string {
  const answer = enrolAnswer.safeParse(body);
  if (status !== 200 || !answer.success) throw refused(address, status, body);
  const problem = problemOf(answer.data, ca, publicKey);
  if (problem !== null) throw new FettleError("identity.certificate-mismatch", { problem });
  return answer.data.certificate;
}

function problemOf({ certificate }: EnrolAnswer, ca: string, publicKey: string): string | null {
  try {
    const leaf = new X509Certificate(certificate);
    if (leaf.publicKey.export({ type: "spki", format: "pem" }) !== publicKey) return "another key";
    return rootOf(certificate, ca) === null ? "not signed by the CA" : null;
  } catch (error) {
    return messageOf(error);
  }
}

function refused({ host, apiPort }: Address, status: number, body: unknown): FettleError {
  const answer = errorAnswer.safeParse(body);
  const { code, message } = answer.data?.error ?? { code: "", message: "no reason given" };
  const problem = printable(`${message} [${code}]`).slice(0, 500);
  return new FettleError("identity.not-renewed", { coordinator: `${host}:${apiPort}`, status, problem });
}

function publicOf(key: Secret): string {
  return createPublicKey(key.reveal()).export({ type: "spki", format: "pem" }).toString();
}

function signed(said: string, key: Secret): string {
  return sign("sha256", Buffer.from(said), key.reveal()).toString("base64");
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

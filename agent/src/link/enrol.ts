import { createPublicKey, sign, X509Certificate } from "node:crypto";
import {
  CA_PATH,
  type CaAnswer,
  caAnswer,
  ENROL_PATH,
  type EnrolAnswer,
  enrolAnswer,
  enrolProof,
  enrolToken,
} from "@fettle/shared/api/enrol.ts";
import { errorAnswer } from "@fettle/shared/api/error.ts";
import { keyHash, rootOf } from "@fettle/shared/lib/certificates.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import type { Secret } from "@fettle/shared/lib/secret.ts";
import { machineOf } from "@fettle/shared/protocol/machine.ts";
import type { IdentityStore } from "../store/identity.ts";
import { enrolCall } from "./enrol-call.ts";
import type { Address } from "./parts.ts";

export interface EnrolParts {
  readonly coordinators: readonly Address[];
  readonly identity: Pick<IdentityStore, "key" | "load" | "save">;
  readonly token: Secret;
  readonly machineId: string;
  /** The cloud's instance id; empty on own metal. */
  readonly instanceId?: string;
  readonly productUuid?: string;
  readonly version: string;
  /** This machine becomes another node: what was declared for the one before is nothing to it. */
  readonly forget?: () => Promise<void>;
}

/** The form of the coordinator's fixed name; anything else could be a name that somebody else has a certificate for. */
const COORDINATOR_NAME = /^coordinator\.[a-z0-9-]{1,63}\.fettle\.internal$/;

/**
 * Takes this machine into a stack: the CA is fetched unverified and compared with the hash in the token; only over a
 * connection that this CA verifies does the token's secret leave the machine. The key is on disk before, so the same
 * token brings the same identity again after a crash. The next coordinator is tried only when one cannot be reached.
 * Throws FettleError `identity.…`.
 */
export async function enrol(parts: EnrolParts): Promise<EnrolAnswer> {
  const token = parts.token.reveal().trim();
  if (!enrolToken.safeParse(token).success) throw new FettleError("identity.bad-token");
  let last: unknown = new FettleError("identity.bad-token");
  for (const address of parts.coordinators) {
    try {
      return await enrolAt(address, token, parts);
    } catch (error) {
      if (!(error instanceof FettleError && error.code === "identity.coordinator-unreachable")) throw error;
      last = error;
    }
  }
  throw last;
}

async function enrolAt(address: Address, token: string, parts: EnrolParts): Promise<EnrolAnswer> {
  const trust = await pinnedCa(address, token);
  const key = await parts.identity.key(machineOf(parts));
  const publicKey = createPublicKey(key.reveal()).export({ type: "spki", format: "pem" }).toString();
  const [, , tokenId = ""] = token.split(".");
  const proof = sign("sha256", Buffer.from(enrolProof(tokenId, publicKey)), key.reveal()).toString("base64");
  const { machineId, instanceId, productUuid, version } = parts;
  const body = { token, publicKey, proof, machineId, instanceId, productUuid, version };
  const reply = await enrolCall(address, { path: ENROL_PATH, body, trust });
  if (reply.status < 200 || reply.status > 299) throw refusal(address, reply.status, reply.body);
  const answer = parsed(address, () => enrolAnswer.parse(reply.body));
  checkAnswer(answer, trust, publicKey);
  const before = await parts.identity.load().catch(() => null);
  if (before !== null && (before.node !== answer.node || before.stack !== answer.stack)) await parts.forget?.();
  await parts.identity.save(answer, machineOf(parts));
  return answer;
}

/** The CA whose key the token names. Nothing of the token is sent on this connection. */
async function pinnedCa(address: Address, token: string): Promise<CaAnswer> {
  const reply = await enrolCall(address, { path: CA_PATH, trust: null });
  if (reply.status !== 200) throw refusal(address, reply.status, reply.body);
  const answer = parsed(address, () => caAnswer.parse(reply.body));
  const ca = parsed(address, () => new X509Certificate(answer.ca));
  const [, pin] = token.split(".");
  if (keyHash(ca.publicKey, "base64url") !== pin || !ca.ca)
    throw new FettleError("identity.ca-mismatch", { coordinator: nameOf(address) });
  if (!COORDINATOR_NAME.test(answer.coordinatorName))
    throw new FettleError("identity.bad-answer", {
      coordinator: nameOf(address),
      problem: "an unusual coordinator name",
    });
  return answer;
}

/** What is saved must be ours: our key, signed by the pinned CA, from the coordinator that was verified. */
function checkAnswer(answer: EnrolAnswer, trust: CaAnswer, publicKey: string): void {
  const problem = answerProblem(answer, trust, publicKey);
  if (problem !== null) throw new FettleError("identity.certificate-mismatch", { problem });
}

function answerProblem(answer: EnrolAnswer, trust: CaAnswer, publicKey: string): string | null {
  try {
    const certificate = new X509Certificate(answer.certificate);
    const ca = new X509Certificate(trust.ca);
    if (keyHash(new X509Certificate(answer.ca).publicKey, "hex") !== keyHash(ca.publicKey, "hex")) return "another CA";
    if (answer.coordinatorName !== trust.coordinatorName) return "another coordinator's name";
    if (certificate.publicKey.export({ type: "spki", format: "pem" }) !== publicKey) return "another key";
    return rootOf(answer.certificate, trust.ca) === null ? "not signed by the CA" : null;
  } catch (error) {
    return messageOf(error);
  }
}

function parsed<T>(address: Address, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new FettleError(
      "identity.bad-answer",
      { coordinator: nameOf(address), problem: "unexpected contents" },
      { cause },
    );
  }
}

function refusal(address: Address, status: number, body: unknown): FettleError {
  const answer = errorAnswer.safeParse(body);
  const { code, message, remedy } = answer.data?.error ?? { code: "", message: "no reason given", remedy: "" };
  const problem = printable(`${message} ${remedy} [${code}]`).trim().slice(0, 500);
  return new FettleError("identity.refused", { coordinator: nameOf(address), status, problem });
}

function nameOf({ host, apiPort }: Address): string {
  return `${host}:${apiPort}`;
}

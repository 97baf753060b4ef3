import { type KeyObject, verify } from "node:crypto";
import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import { type ReadmitRequest, readmitProof } from "@fettle/shared/api/readmit.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { isApproved } from "@fettle/shared/lib/identity-case.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { IdentityCaseRow } from "../store/identity-cases.ts";
import type { Queries } from "../store/store.ts";
import { agentKey } from "./keys.ts";
import type { Nonces } from "./nonces.ts";
import { issueFor, keepCandidate, type RenewParts } from "./renew.ts";

export interface Readmission {
  readonly node: string;
  readonly stack: string;
  /** null: a person has to say so first. */
  readonly answer: EnrolAnswer | null;
  /** The case when there is something new to say about it. */
  readonly news: IdentityCaseRow | null;
}

/**
 * What an agent may ask whose certificate has run out: to be let in again. It shows that it has that certificate's key
 * and the new one. Throws one of the `identity.*` codes; a key that is not known, or was revoked, gets nothing.
 */
export async function readmit(parts: RenewParts, nonces: Nonces, request: ReadmitRequest): Promise<Readmission> {
  if (!nonces.isGood(request.nonce)) throw new FettleError("identity.nonce-old");
  const [current, next] = [agentKey(request.currentKey), agentKey(request.newKey)];
  const said = Buffer.from(readmitProof(parts.coordinatorName, request));
  if (!isSigned(said, current, request.currentProof) || !isSigned(said, next, request.newProof))
    throw new FettleError("identity.proof-wrong");
  const hash = keyHash(current, "hex");
  if (hash === keyHash(next, "hex")) throw new FettleError("identity.bad-key");
  const { store, clock } = parts;
  const shown = await expiredIdentity(store, hash, clock.now());
  if (isApproved(await store.identityCases.get(shown.node), request.machine)) return await letIn(parts, shown, request);
  return await ask(parts, shown, request);
}

async function letIn(parts: RenewParts, shown: IdentityRow, request: ReadmitRequest): Promise<Readmission> {
  const { node, stack } = shown;
  const issued = await issueFor(parts, shown, { publicKey: request.newKey, machine: request.machine });
  await parts.store.write(async (queries) => {
    await expiredIdentity(queries, shown.keyHash, parts.clock.now());
    if (!isApproved(await queries.identityCases.get(node), request.machine))
      throw new FettleError("identity.nothing-to-readmit", { node });
    await keepCandidate(queries, shown, issued);
  });
  return { node, stack, answer: issued.answer, news: null };
}

async function ask(
  { store, clock }: RenewParts,
  shown: IdentityRow,
  { machine }: ReadmitRequest,
): Promise<Readmission> {
  const { node, stack } = shown;
  const at = clock.now();
  const seen = { node, stack, kind: "expired", machines: [{ ...machine, seenAt: at }], at } as const;
  const { row, fresh } = await store.write((queries) => queries.identityCases.note(seen));
  return { node, stack, answer: null, news: fresh ? row : null };
}

async function expiredIdentity(
  { identities, nodes }: Pick<Queries, "identities" | "nodes">,
  hash: string,
  at: number,
): Promise<IdentityRow> {
  const row = await identities.ofKey(hash);
  if (row === undefined) throw new FettleError("identity.unknown");
  const { node, nodeId, stack } = row;
  if (row.revokedAt !== null) throw new FettleError("identity.revoked", { node });
  const known = await nodes.get(node);
  if (known === undefined || known.stack !== stack || known.nodeId !== nodeId)
    throw new FettleError("identity.superseded", { node });
  if (row.notAfter > at) throw new FettleError("identity.not-expired", { node });
  return row;
}

function isSigned(said: Buffer, key: KeyObject, proof: string): boolean {
  return verify("sha256", said, key, Buffer.from(proof, "base64"));
}

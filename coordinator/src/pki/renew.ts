import { verify } from "node:crypto";
import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import { type RenewRequest, renewProof } from "@fettle/shared/api/renew.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { isApproved, machinesText } from "@fettle/shared/lib/identity-case.ts";
import { type Machine, machineDifference, machineOf, machineText } from "@fettle/shared/protocol/machine.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { IdentityCaseRow } from "../store/identity-cases.ts";
import type { Queries, Store } from "../store/store.ts";
import { type Issued, type IssueParts, issue } from "./issue.ts";
import { agentKey } from "./keys.ts";

export interface RenewParts extends IssueParts {
  readonly store: Store;
}

/**
 * A new certificate for the node that shows this one. Both are good until the new one is first shown. Throws one of
 * the `identity.*` codes, having changed nothing.
 */
export async function renew(parts: RenewParts, fingerprint: string, request: RenewRequest): Promise<EnrolAnswer> {
  const { store } = parts;
  const key = agentKey(request.publicKey);
  const proof = Buffer.from(request.proof, "base64");
  if (!verify("sha256", Buffer.from(renewProof(fingerprint, request.publicKey)), key, proof))
    throw new FettleError("identity.proof-wrong");
  const shown = await goodIdentity(store, fingerprint);
  if (shown.keyHash === keyHash(key, "hex")) throw new FettleError("identity.bad-key");
  checkMachine(await store.identityCases.get(shown.node), shown, request.machine);
  const issued = await issueFor(parts, shown, request);
  await store.write(async (queries) => {
    const again = await goodIdentity(queries, fingerprint);
    checkMachine(await queries.identityCases.get(again.node), again, request.machine);
    await keepCandidate(queries, again, issued);
  });
  return issued.answer;
}

/** Only the machine that it was made for, or the one that a person has named since. */
function checkMachine(found: IdentityCaseRow | undefined, shown: IdentityRow, machine: Machine): void {
  const { node } = shown;
  if (isApproved(found, machine)) return;
  if (found !== undefined && (found.kind !== "expired" || found.approved !== null))
    throw new FettleError("identity.duplicate", { node, machines: machinesText(found) });
  const bound = machineOf(shown);
  if (machineDifference(bound, machine) === null) return;
  throw new FettleError("identity.moved", { node, bound: machineText(bound), found: machineText(machine) });
}

async function goodIdentity({ identities }: Pick<Queries, "identities">, fingerprint: string): Promise<IdentityRow> {
  const row = await identities.get(fingerprint);
  if (row === undefined) throw new FettleError("identity.unknown");
  if (row.revokedAt !== null) throw new FettleError("identity.revoked", { node: row.node });
  return row;
}

/** A certificate for the same node on this machine. */
export async function issueFor(
  parts: RenewParts,
  { node, stack, nodeId, roles }: IdentityRow,
  { publicKey, machine }: { readonly publicKey: string; readonly machine: Machine },
): Promise<Issued> {
  const known = roles ?? (await parts.store.nodes.get(node))?.roles ?? "[]";
  return await issue(parts, { node, stack, nodeId, roles: JSON.parse(known), machine }, agentKey(publicKey));
}

/** Of the unused ones only this is good: an answer that was lost is not given again but asked for anew. */
export async function keepCandidate(queries: Queries, before: IdentityRow, { identity }: Issued): Promise<void> {
  await queries.identities.revokeUnused(before.node, before.fingerprint, identity.issuedAt);
  await queries.identities.add(identity);
}

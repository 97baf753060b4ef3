import { type KeyObject, randomUUID, verify } from "node:crypto";
import { type EnrolAnswer, type EnrolRequest, enrolAnswer, enrolProof } from "@fettle/shared/api/enrol.ts";
import { keyHash } from "@fettle/shared/lib/certificates.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { printable } from "@fettle/shared/lib/printable.ts";
import { sha256Hex } from "@fettle/shared/lib/sha256.ts";
import { type Machine, machineDifference, machineOf } from "@fettle/shared/protocol/machine.ts";
import type { EnrolmentTokenRow } from "../store/enrolment-tokens.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { Queries, Store } from "../store/store.ts";
import { type IssueParts, issue } from "./issue.ts";
import { agentKey } from "./keys.ts";
import { sameHash, tokenParts } from "./token.ts";

export interface EnrolParts extends IssueParts {
  readonly store: Store;
}

export interface Enrolled {
  readonly answer: EnrolAnswer;
  /** False when the same key got the same answer again. */
  readonly fresh: boolean;
}

/** Takes a machine in by its token. Throws one of the `identity.*` codes, having changed nothing. */
export async function enrol(parts: EnrolParts, request: EnrolRequest): Promise<Enrolled> {
  const token = await knownToken(parts, request);
  const key = agentKey(request.publicKey);
  checkProof(token.id, request, key);
  const again = answerAgain(token, key, request);
  if (again !== null) return { answer: again, fresh: false };
  const machine = machineOf(request);
  const { node, stack } = token;
  const kept = await sameIdentity(parts.store, token, key, machine, parts.clock.now());
  const nodeId = kept?.nodeId ?? randomUUID();
  const issued = await issue(parts, { node, stack, nodeId, roles: JSON.parse(token.roles), machine }, key);
  const used = { usedAt: issued.identity.issuedAt, usedKeyHash: issued.identity.keyHash, usedBy: machineName(request) };
  const won = await parts.store.write(async (queries) => {
    await checkFree(queries, token, key, machine, parts.clock.now());
    const first = await queries.enrolmentTokens.use(token.id, { ...used, answer: JSON.stringify(issued.answer) });
    if (first) await settle(queries, token, issued.identity);
    return first;
  });
  if (won) return { answer: issued.answer, fresh: true };
  // Another request with this token came between: it is judged again by what that one left.
  return await enrol(parts, request);
}

/** The token's row. Throws unless pin and secret are right, it has not run out, and it is for this machine. */
async function knownToken({ store, clock, authority }: EnrolParts, request: EnrolRequest): Promise<EnrolmentTokenRow> {
  const { pin, id, secret } = tokenParts(request.token);
  if (pin !== authority.pin) throw new FettleError("identity.token-other-ca");
  const row = await store.enrolmentTokens.get(id);
  // An unknown id is compared too, with a hash that nothing has, so that both refusals take the same time.
  const right = sameHash(sha256Hex(secret), row?.secretHash ?? sha256Hex(randomUUID()));
  if (row === undefined || !right) throw new FettleError("identity.token-unknown");
  if (clock.now() >= row.expiresAt) throw new FettleError("identity.token-expired", { node: row.node });
  checkInstance(row, request);
  return row;
}

/** A token in user-data can be read by all that runs on the instance, and by whoever copies its launch. */
function checkInstance({ node, instanceId }: EnrolmentTokenRow, request: EnrolRequest): void {
  if (instanceId === null || instanceId === request.instanceId) return;
  throw new FettleError("identity.token-other-instance", { node, instance: instanceId, other: machineName(request) });
}

/** A machine as people tell it from others. */
function machineName({ instanceId, machineId }: EnrolRequest): string {
  const id = instanceId ? `instance ${instanceId}` : machineId && `machine ${machineId}`;
  return printable(id || "a machine without any id");
}

function checkProof(tokenId: string, { publicKey, proof }: EnrolRequest, key: KeyObject): void {
  const said = Buffer.from(enrolProof(tokenId, publicKey));
  if (!verify("sha256", said, key, Buffer.from(proof, "base64"))) throw new FettleError("identity.proof-wrong");
}

/** What this key was answered before; null for a fresh token. Throws `identity.token-used` for another key or machine. */
function answerAgain(token: EnrolmentTokenRow, key: KeyObject, request: EnrolRequest): EnrolAnswer | null {
  if (token.usedAt === null) return null;
  const { answer, usedKeyHash, usedBy } = token;
  const sameKey = usedKeyHash !== null && sameHash(usedKeyHash, keyHash(key, "hex"));
  if (answer === null || !sameKey || (usedBy !== null && usedBy !== machineName(request))) {
    throw new FettleError("identity.token-used", { node: token.node, by: usedBy ?? "another key" });
  }
  return enrolAnswer.parse(JSON.parse(answer));
}

/**
 * The identity that this very machine has already: it may take a token for the same node, to change its roles. Anybody
 * else gets nothing while there is one.
 */
async function sameIdentity(
  { identities }: Pick<Queries, "identities">,
  { node }: EnrolmentTokenRow,
  key: KeyObject,
  machine: Machine,
  at: number,
): Promise<IdentityRow | undefined> {
  const live = await identities.live(node, at);
  return live.find((row) => row.keyHash === keyHash(key, "hex") && machineDifference(machineOf(row), machine) === null);
}

/** Throws when the node has got an identity since the token was made, or is another stack's. */
async function checkFree(
  queries: Queries,
  token: EnrolmentTokenRow,
  key: KeyObject,
  machine: Machine,
  at: number,
): Promise<void> {
  const now = await queries.enrolmentTokens.get(token.id);
  if (now === undefined) throw new FettleError("identity.token-unknown");
  if (now.usedAt !== null) return;
  const { node, stack } = token;
  const taken = (await queries.identities.live(node, at)).length > 0;
  if (taken && (await sameIdentity(queries, token, key, machine, at)) === undefined)
    throw new FettleError("identity.node-exists", { node });
  if (!(await queries.nodes.ensure(node, stack, token.roles))) throw new FettleError("identity.node-taken", { node });
}

async function settle(queries: Queries, token: EnrolmentTokenRow, identity: IdentityRow): Promise<void> {
  await queries.identities.add(identity);
  await queries.nodes.register(token.node, identity.nodeId, identity.issuedAt);
  await queries.enrolmentTokens.cancel(token.node);
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Peer, ShownCertificate } from "../hub/peer.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { Store } from "../store/store.ts";
import { adopt } from "./adopt.ts";
import type { IngestParts } from "./parts.ts";

/** Whose certificate this is: known, unrevoked, in time, and the one that this node enrolled with last. */
export async function identify(
  { store, clock }: Pick<IngestParts, "store" | "clock">,
  shown: ShownCertificate,
): Promise<Peer> {
  const { fingerprint, commonName } = shown;
  const identity = (await store.identities.get(fingerprint)) ?? (await adopt(store, shown));
  if (identity === undefined || identity.nodeId !== commonName) throw new FettleError("identity.unknown");
  const { node, stack, nodeId } = identity;
  if (identity.revokedAt !== null) throw new FettleError("identity.revoked", { node });
  if (identity.notAfter <= clock.now()) throw new FettleError("identity.expired", { node });
  const row = await store.nodes.get(node);
  if (row === undefined || row.stack !== stack || row.nodeId !== nodeId) {
    throw new FettleError("identity.superseded", { node });
  }
  if (identity.usedAt === null) await firstUse(store, identity, clock.now());
  return { node, stack, identity: fingerprint };
}

/** From now on its agent has it for certain, so the one before ends. */
async function firstUse(store: Store, { node, fingerprint }: IdentityRow, at: number): Promise<void> {
  await store.write(async ({ identities }) => {
    if (await identities.use(fingerprint, at)) await identities.revokeOthers(node, fingerprint, at);
  });
}

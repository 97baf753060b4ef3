import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Peer, ShownCertificate } from "../hub/peer.ts";
import type { IngestParts } from "./parts.ts";

/** Whose certificate this is: known, unrevoked, in time, and the one that this node enrolled with last. */
export async function identify(
  { store, clock }: Pick<IngestParts, "store" | "clock">,
  { fingerprint, commonName }: ShownCertificate,
): Promise<Peer> {
  const identity = await store.identities.get(fingerprint);
  if (identity === undefined || identity.nodeId !== commonName) throw new FettleError("identity.unknown");
  const { node, stack, nodeId } = identity;
  if (identity.revokedAt !== null) throw new FettleError("identity.revoked", { node });
  if (identity.notAfter <= clock.now()) throw new FettleError("identity.expired", { node });
  const row = await store.nodes.get(node);
  if (row === undefined || row.stack !== stack || row.nodeId !== nodeId) {
    throw new FettleError("identity.superseded", { node });
  }
  return { node, stack };
}

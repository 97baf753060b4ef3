import type { ShownCertificate } from "../hub/peer.ts";
import type { IdentityRow } from "../store/identities.ts";
import type { Store } from "../store/store.ts";

/** An agent's certificate counts from an hour before it was made, and says so to the second. */
const BACKDATE_MS = 60 * 60_000;
const SECOND_MS = 1_000;

/**
 * A certificate that this coordinator's own CA made between the backup it was restored from and the restore: it is not
 * in the database, and its agent has thrown the one before away. It counts for the node it names, as long as that node
 * had one in the backup that was not revoked. The TLS layer has verified its chain. undefined for any other.
 */
export async function adopt(store: Store, shown: ShownCertificate): Promise<IdentityRow | undefined> {
  const { fingerprint, commonName: nodeId, made } = shown;
  if (made === undefined) return undefined;
  const { notBefore, notAfter, keyHash } = made;
  const issuedAt = notBefore + BACKDATE_MS + SECOND_MS;
  if (!(await store.restores.isUnknown(issuedAt))) return undefined;
  return await store.write(async ({ identities }) => {
    const before = await identities.lastOf(nodeId);
    if (before === undefined) return undefined;
    const row = { ...before, fingerprint, keyHash, issuedAt, notAfter, usedAt: null };
    await identities.add(row);
    return row;
  });
}

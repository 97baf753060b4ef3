import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { Welcome } from "@fettle/shared/protocol/welcome.ts";
import type { Fence } from "../store/desired.ts";

/**
 * Holds one coordinator apart from another that claims the same stack: a lower epoch, and another incarnation of the
 * same epoch, are refused (throws `link.fenced`). Returns the fence to keep, or null when it is kept already.
 */
export function passFence(kept: Fence | null, { epoch, incarnation }: Welcome): Fence | null {
  if (kept === null || epoch > kept.epoch) return { epoch, incarnation };
  if (epoch === kept.epoch && incarnation === kept.incarnation) return null;
  const args = { epoch, incarnation, keptEpoch: kept.epoch, keptIncarnation: kept.incarnation };
  throw new FettleError("link.fenced", args);
}

/**
 * Whether a desired state is taken: (epoch, generation) never goes back, and one generation has one content. Returns
 * why not, or null. Throws when the frame contradicts itself or its connection, which ends that connection.
 */
export function judgeDesired(current: Desired | null, next: Desired, fence: Fence | null): FettleError | null {
  const { epoch, generation } = next;
  if (fence === null || epoch !== fence.epoch) {
    const kept = { keptEpoch: fence?.epoch ?? "none", keptIncarnation: fence?.incarnation ?? "none" };
    throw new FettleError("link.fenced", { epoch, incarnation: "of this connection", ...kept });
  }
  if (hashOf(next.roles) !== next.hash) throw new FettleError("link.hash-mismatch", { generation });
  if (current === null || epoch > current.epoch) return null;
  if (epoch < current.epoch || generation < current.generation)
    return new FettleError("link.stale-desired", { generation, held: current.generation });
  if (generation === current.generation && next.hash !== current.hash)
    return new FettleError("link.generation-reused", { generation });
  return null;
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem, MirrorKind } from "@fettle/shared/mirror/item.ts";
import type { HttpStream } from "../system/http.ts";

/** What the coordinator serves in place of the internet. Nothing of it is taken on its word: sums are checked here. */
export interface MirrorClient {
  /** This machine's own policy lets models and images come from there. */
  readonly allowed: boolean;
  list(kind: MirrorKind): readonly MirrorItem[];
  /**
   * A file by its sum, from byte `from` to byte `to` (the last one included; its end when not given). `status` is
   * HTTP's. Throws `link.unreachable` and the like, and the signal's reason.
   */
  open(
    sha256: string,
    range: { readonly from: number; readonly to?: number },
    signal: AbortSignal,
  ): Promise<HttpStream>;
}

/** Where no coordinator is. */
export const noMirror: MirrorClient = {
  allowed: false,
  list: () => [],
  open: async (sha256) => {
    throw new FettleError("mirror.away", { what: sha256, problem: "this agent has no coordinator" });
  },
};

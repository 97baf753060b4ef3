import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { MirrorItem } from "@fettle/shared/mirror/item.ts";
import type { MirrorClient } from "./clients/mirror.ts";
import { agentCall } from "./link/agent-call.ts";
import type { Address } from "./link/parts.ts";
import type { Identity } from "./store/identity.ts";

export interface MirrorClientParts {
  readonly coordinators: readonly Address[];
  readonly identity: () => Promise<Identity | null>;
  /** As the coordinator last said. */
  readonly items: () => readonly MirrorItem[];
  /** `policy.mirror` of agent.yaml. */
  readonly allowed: boolean;
}

/** Longest silence within a file. */
const IDLE_MS = 45_000;

/** The coordinator's mirror, at the first of its addresses that answers. */
export function coordinatorMirror({ coordinators, identity, items, allowed }: MirrorClientParts): MirrorClient {
  return {
    allowed,
    list: (kind) => items().filter((item) => item.kind === kind),
    async open(sha256, { from, to }, signal) {
      const own = await identity();
      if (own === null) throw new FettleError("identity.absent");
      const headers = from > 0 || to !== undefined ? { range: `bytes=${from}-${to ?? ""}` } : {};
      const call = { method: "GET", path: `/v1/blobs/${sha256}`, headers, signal } as const;
      let last: unknown = null;
      for (const address of coordinators) {
        try {
          return streamOf(await agentCall(address, own, call));
        } catch (error) {
          last = error;
        }
      }
      throw last;
    },
  };
}

function streamOf(response: Awaited<ReturnType<typeof agentCall>>) {
  response.setTimeout(IDLE_MS, () => response.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
  // Whoever reads the body hears of its errors; one that nobody reads ends in silence.
  response.on("error", () => undefined);
  const headers = Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(", ")] as const);
  return {
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    chunks: response as AsyncIterable<Uint8Array>,
    close: () => void response.destroy(),
  };
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { LocalPause } from "@fettle/shared/protocol/report.ts";
import { agentCall } from "./link/agent-call.ts";
import type { Address } from "./link/parts.ts";
import type { Loop } from "./reconcile/loop.ts";
import { wholePause } from "./reconcile/pause.ts";
import type { Identity } from "./store/identity.ts";
import type { ArchiveSource } from "./update/source.ts";

export interface HeldBackParts {
  readonly loop: Pick<Loop, "standing" | "applying">;
  readonly frozen: AgentWanted["frozen"];
  /** Why this agent only observes by its own decision. */
  readonly observing: { readonly reason: string } | null;
  readonly pauses: readonly LocalPause[];
  /** Wall-clock ms. */
  readonly now: number;
}

/** Why this machine's agent is not to be updated now; null when nothing is in the way. */
export function heldBack({ loop, frozen, observing, pauses, now }: HeldBackParts): FettleError | null {
  const { policy } = loop.standing;
  const own = frozen ?? observing;
  if (own !== null) return new FettleError("update.observing", { reason: own.reason });
  if (policy.mode === "observe") return new FettleError("update.observing", { reason: "the stack's mode is observe." });
  const pause = wholePause(pauses, policy.pauses, now);
  if (pause !== null) return new FettleError("update.paused", { scope: pause.scope, reason: pause.reason });
  const resource = loop.applying;
  return resource === null ? null : new FettleError("update.busy", { resource });
}

/** The coordinator's archives, from the first of its addresses that answers. */
export function coordinatorArchives(
  coordinators: readonly Address[],
  identity: () => Promise<Identity | null>,
): ArchiveSource {
  return {
    async open(name, offset, signal) {
      const own = await identity();
      if (own === null) throw new FettleError("identity.absent");
      const headers = offset > 0 ? { range: `bytes=${offset}-` } : {};
      const call = { method: "GET", path: `/v1/releases/${name}`, headers, signal } as const;
      let last: unknown = null;
      for (const address of coordinators) {
        try {
          const response = await agentCall(address, own, call);
          return { status: response.statusCode ?? 0, chunks: response, close: () => void response.destroy() };
        } catch (error) {
          last = error;
        }
      }
      throw last;
    },
  };
}

import type { Policy } from "@fettle/shared/protocol/desired.ts";
import type { StackSpec } from "@fettle/shared/stack/stack.ts";
import type { PauseRow } from "../store/pauses.ts";

/** The policy that travels beside the desired state of one node; in no hash. */
export function policyFor(spec: StackSpec, node: string, pauses: readonly PauseRow[]): Policy {
  const touching = pauses.filter(({ scope }) => scope === "stack" || scope === node || scope.startsWith(`${node}/`));
  return {
    mode: spec.mode,
    pauses: touching.map(({ scope, reason, by, until }) => ({ scope, reason, by, until })),
    contention: contentionOf(spec),
  };
}

function contentionOf({ policy: { contention } }: StackSpec): Policy["contention"] {
  if (contention === "off") return null;
  const { repairs, within, quiet, gitlab } = contention;
  const slow = { repairs: gitlab.repairs, withinMs: gitlab.within };
  return { repairs, withinMs: within, quietMs: quiet, gitlab: slow };
}

import type { Gate } from "@fettle/shared/protocol/desired.ts";

/** The gate of a resource: of several the one that is shut. */
export function gateOf(id: string, gates: readonly Gate[]): Gate | null {
  const own = gates.filter(({ resource }) => resource === id);
  return own.find(({ open }) => !open) ?? own[0] ?? null;
}

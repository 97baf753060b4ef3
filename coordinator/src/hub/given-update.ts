import type { Desired } from "@fettle/shared/protocol/desired.ts";

/** The token of the update that comes with this desired state; null when it brings no release. */
export function givenUpdate({ agent }: Desired): string | null {
  return agent?.release ? agent.token : null;
}

import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { ReconcilerParts } from "../context.ts";
import type { StackView } from "./stack-view.ts";
import { releaseFor } from "./updates.ts";

/** What the agent of this node itself is to be. */
export async function agentWanted(parts: ReconcilerParts, node: string, view: StackView): Promise<AgentWanted> {
  const { release, token } = await releaseFor(parts, view, node);
  return { release, token, roots: [], renew: false, mirror: [...parts.mirror.items], frozen: null };
}

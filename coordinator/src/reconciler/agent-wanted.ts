import type { AgentWanted } from "@fettle/shared/protocol/agent-wanted.ts";
import type { ReconcilerParts } from "../context.ts";

/** What the agent of this node itself is to be. */
export async function agentWanted(_parts: ReconcilerParts, _node: string): Promise<AgentWanted> {
  return { release: null, token: "", roots: [], renew: false, mirror: [], frozen: null };
}

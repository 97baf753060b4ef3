import type { AgentRoute } from "../hub/agent-route.ts";

/** Every route of the agents' port beside the WebSocket. */
export function agentRoutes(): readonly AgentRoute[] {
  return [];
}

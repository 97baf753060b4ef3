import type { Context } from "../context.ts";
import type { AgentRoute } from "../hub/agent-route.ts";
import { goodbye } from "./goodbye.ts";
import { mirroredFiles } from "./mirrored-files.ts";
import { releaseArchives } from "./release-archives.ts";
import { renew } from "./renew.ts";

/** Every route of the agents' port beside the WebSocket; `context` is there when the first request comes. */
export function agentRoutes(context: () => Context): readonly AgentRoute[] {
  return [goodbye(context), renew(context), releaseArchives(context), ...mirroredFiles(context)];
}

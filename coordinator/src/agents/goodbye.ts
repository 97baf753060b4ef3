import { GOODBYE_PATH } from "@fettle/shared/api/goodbye.ts";
import type { Context } from "../context.ts";
import type { AgentRoute } from "../hub/agent-route.ts";

/** An agent is being uninstalled: its trust ends with it, and its row says so until it enrols again. */
export function goodbye(context: () => Context): AgentRoute {
  return {
    method: "POST",
    path: GOODBYE_PATH,
    async answer({ peer: { node, stack }, response }) {
      const { pki, hub, store, clock, events, reconciler } = context();
      await pki.revoke(node);
      hub.cut(node, "link.removed");
      await store.nodes.uninstalled(node, clock.now());
      const text = `The agent was uninstalled on ${node}.`;
      await events.record({ stack, kind: "node.uninstalled", node, text, severity: "warning" });
      reconciler.touchAll(stack);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    },
  };
}

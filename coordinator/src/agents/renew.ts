import type { IncomingMessage } from "node:http";
import { RENEW_PATH, renewRequest } from "@fettle/shared/api/renew.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import type { AgentRoute } from "../hub/agent-route.ts";

const MAX_BYTES = 16 * 1024;

/** A new certificate for the agent that shows a good one; the one it shows ends when the new one is first used. */
export function renew(context: () => Context): AgentRoute {
  return {
    method: "POST",
    path: RENEW_PATH,
    async answer({ peer: { node, stack }, certificate, request, response }) {
      const parsed = renewRequest.safeParse(await jsonOf(request));
      if (!parsed.success) throw new FettleError("api.bad-request", { problem: "no renewal" });
      const { pki, events, logger } = context();
      const answer = await pki.agents.renew(node, certificate.fingerprint, parsed.data);
      logger.info({ node }, "certificate renewed");
      await events.record({ node, stack, kind: "node.renewed", text: `${node} has got a new certificate.` });
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    },
  };
}

/** null for what is no JSON, or is more than any renewal. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BYTES) return null;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return null;
  }
}

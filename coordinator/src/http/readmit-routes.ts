import type { EnrolAnswer } from "@fettle/shared/api/enrol.ts";
import { READMIT_PATH, type ReadmitNonce, type ReadmitPending, readmitRequest } from "@fettle/shared/api/readmit.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { caseNote } from "@fettle/shared/lib/identity-case.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";

/** For an agent whose certificate has run out: it proves who it is by its key, and a person lets it in. */
export function registerReadmission(app: FastifyInstance, context: Context): void {
  app.get(READMIT_PATH, async (request): Promise<ReadmitNonce> => {
    const nonce = context.pki.agents.nonce(request.socket.remoteAddress ?? "");
    return { nonce, wallMs: context.clock.now() };
  });
  app.post(READMIT_PATH, async (request, reply): Promise<EnrolAnswer | ReadmitPending> => {
    return await readmit(request, reply, context);
  });
}

async function readmit(
  request: FastifyRequest,
  reply: FastifyReply,
  { pki, events, logger, reconciler }: Context,
): Promise<EnrolAnswer | ReadmitPending> {
  const parsed = readmitRequest.safeParse(request.body);
  if (!parsed.success) throw new FettleError("api.bad-request", { problem: "no readmission" });
  const from = request.socket.remoteAddress ?? "";
  const { node, stack, answer, news } = await pki.agents.readmit(parsed.data, from).catch((error: unknown) => {
    if (error instanceof FettleError) logger.warn({ from, code: error.code }, "readmission refused");
    throw error;
  });
  if (answer !== null) {
    logger.info({ node, from }, "node readmitted");
    await events.record({ node, stack, kind: "node.renewed", text: `${node} has got a new certificate.` });
    return answer;
  }
  if (news !== null) {
    const { code, severity, text } = caseNote(news);
    await events.record({ node, stack, kind: "node.readmission-asked", code, severity, text, data: { from } });
    reconciler.touch(node);
  }
  reply.code(202);
  return { state: "pending", node };
}

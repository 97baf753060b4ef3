import { CA_PATH, type CaAnswer, ENROL_PATH, type EnrolAnswer, enrolRequest } from "@fettle/shared/api/enrol.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { HealthCheck } from "./health.ts";
import { registerInstall } from "./install-routes.ts";
import { registerReadmission } from "./readmit-routes.ts";

/** The routes that need no API token: the CA, enrolment by its own token, the installation, and health. */
export function registerGround(app: FastifyInstance, context: Context): void {
  const health = new HealthCheck(context);
  app.get(CA_PATH, async (): Promise<CaAnswer> => {
    return { ca: context.pki.ca, coordinatorName: context.pki.coordinatorName };
  });
  app.post(ENROL_PATH, async (request): Promise<EnrolAnswer> => await enrol(request, context));
  registerReadmission(app, context);
  registerInstall(app, context);
  app.get("/healthz", async (_, reply) => {
    const answer = await health.read();
    return await reply.code(answer.ok ? 200 : 503).send(answer);
  });
}

async function enrol(request: FastifyRequest, { pki, events, logger }: Context): Promise<EnrolAnswer> {
  const parsed = enrolRequest.safeParse(request.body);
  if (!parsed.success) {
    const problem = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new FettleError("api.bad-request", { problem: `${problem} is missing or wrong` });
  }
  const from = request.socket.remoteAddress ?? "";
  const { answer, fresh } = await pki.enrol(parsed.data, from).catch((error: unknown) => {
    if (error instanceof FettleError) logger.warn({ from, code: error.code }, "enrolment refused");
    throw error;
  });
  if (fresh) {
    const { node, stack, roles } = answer;
    logger.info({ node, stack, from }, "node enrolled");
    const text = `${node} enrolled from ${from} as ${roles.join(", ")}`;
    await events.record({ node, stack, kind: "node.enrolled", text, data: { from, machineId: parsed.data.machineId } });
  }
  return answer;
}

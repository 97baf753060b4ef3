import { FettleError } from "@fettle/shared/lib/errors.ts";
import { uuidv7 } from "@fettle/shared/lib/uuid.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Context, RegisterRoutes } from "../context.ts";
import { sendError } from "./errors.ts";
import type { Audited, Call, Handler } from "./handler.ts";
import { demand, principalOf } from "./principal.ts";
import { routes } from "./routes.ts";

type AnyCall = Parameters<Handler["answer"]>[0];

/** Puts every route of the list on a server; in a scope of its own, so that its error answers are only its own. */
export const registerRoutes: RegisterRoutes = (app, context) => {
  app.register(async (scope: FastifyInstance) => {
    scope.setErrorHandler((error, request, reply) => sendError(error, request, reply));
    for (const handler of routes) {
      const { method, path: url } = handler.contract;
      scope.route({ method, url, handler: (request, reply) => serve(context, handler, request, reply) });
    }
  });
};

/** Who, may they, what exactly, do it, say who asked for what. Nothing of the request is read before its caller is known. */
async function serve(
  context: Context,
  handler: Handler,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { contract } = handler;
  const principal = await principalOf(request, context);
  demand(principal, contract.role);
  const call = {
    context,
    principal,
    params: checked(contract.params, request.params),
    query: checked(contract.query, request.query),
    body: checked(contract.body, request.body),
    request,
    reply,
  } as AnyCall;
  const answer = await handler.answer(call);
  if (contract.stream === true) return reply;
  if (handler.audit !== null) await audit(call, handler.audit(call, answer));
  return answer;
}

function checked(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FettleError("api.bad-request", {
    problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  });
}

async function audit({ context, principal }: Call<Handler["contract"]>, { stack, what }: Audited): Promise<void> {
  const at = context.clock.now();
  await context.store.audit.add({ id: uuidv7(at), stack, node: null, at, who: principal.who, what, receivedAt: at });
}

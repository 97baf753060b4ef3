import type { ErrorAnswer } from "@fettle/shared/api/error.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { DetailedError } from "./handler.ts";

/** Turns whatever was thrown into an answer with a code; what is not ours is logged and said as `api.internal`. */
export async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const known = asFettleError(error, request);
  const details = known instanceof DetailedError ? { details: known.details } : {};
  const { code, message, remedy, retryable } = known;
  const answer: ErrorAnswer = { error: { code, message, remedy, retryable, ...details } };
  await reply.code(known.status).send(answer);
}

function asFettleError(error: unknown, request: FastifyRequest): FettleError {
  if (error instanceof FettleError) return error;
  if (isDiskProblem(error)) {
    request.log.error({ err: error }, "the database cannot be written");
    return new FettleError("store.not-writable", { problem: error.message }, { cause: error });
  }
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === "number" && status >= 400 && status < 500)
    return new FettleError("api.bad-request", { problem: (error as Error).message });
  request.log.error({ err: error }, "request failed");
  return new FettleError("api.internal", { request: request.id }, { cause: error });
}

/** What SQLite says of a disk that is full, read-only or failing. */
function isDiskProblem(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^SQLITE_(FULL|READONLY|IOERR|CANTOPEN)/.test(String(error.code));
}

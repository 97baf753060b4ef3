import { errorAnswer } from "@fettle/shared/api/error.ts";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { RESOURCE_ID } from "@fettle/shared/protocol/names.ts";
import { ROLE_NAMES } from "@fettle/shared/roles/roles.ts";
import * as z from "zod";
import type { LocalAnswer, LocalCall } from "../system/local-socket.ts";
import type { LocalAgent } from "./local-agent.ts";

const scope = z
  .string()
  .max(255)
  .refine((text) => text === "*" || ROLE_NAMES.some((role) => role === text) || RESOURCE_ID.test(text), {
    error: "a scope is *, a role or a resource id",
  });
const by = z.string().min(1).max(120);

const pauseBody = z.strictObject({
  scope,
  reason: z.string().min(1, { error: "a pause needs a reason" }).max(500),
  until: z.number().int().nullable(),
  by,
});
const resumeBody = z.strictObject({ scope, by });
const updateBody = z.strictObject({ path: z.string().startsWith("/").max(4096), by });
const whyBody = z.strictObject({ id: z.string().max(255) });

type Handler = (agent: LocalAgent, body: unknown, now: number) => unknown;

/** Everything that the commands may ask of the agent. */
const handlers: Readonly<Record<string, Handler>> = {
  "GET /v1/status": (agent) => agent.status(),
  "POST /v1/plan": (agent) => agent.plan(),
  "GET /v1/policy": (agent) => agent.policy(),
  "POST /v1/why": (agent, body) => {
    const { id } = parsed(whyBody, body);
    const why = agent.why(id);
    if (why === null) throw new FettleError("agent.no-such-resource", { found: id });
    return why;
  },
  "POST /v1/pause": (agent, body, now) => {
    const { by, ...pause } = parsed(pauseBody, body);
    if (pause.until !== null && pause.until <= now)
      throw new FettleError("agent.local-bad-call", { problem: "that time has passed" });
    agent.pause({ ...pause, at: now }, by);
    return { done: true };
  },
  "POST /v1/update": (agent, body) => {
    const { path, by } = parsed(updateBody, body);
    return agent.update(path, by);
  },
  "POST /v1/resume": (agent, body) => {
    const { scope, by } = parsed(resumeBody, body);
    return { done: agent.resume(scope, by) };
  },
};

/** Answers a call on the local socket; a refusal is an answer too. `now` is the wall clock. */
export async function handleLocal(agent: LocalAgent, call: LocalCall, now: number): Promise<LocalAnswer> {
  const key = `${call.method} ${call.path}`;
  const handler = Object.hasOwn(handlers, key) ? handlers[key] : undefined;
  try {
    if (handler === undefined) throw new FettleError("agent.local-bad-call", { problem: `there is no ${key}` });
    return { status: 200, body: await handler(agent, call.body, now) };
  } catch (error) {
    const known =
      error instanceof FettleError ? error : new FettleError("agent.local-failed", { problem: messageOf(error) });
    const { code, message, remedy, retryable } = known;
    return { status: known.status, body: errorAnswer.parse({ error: { code, message, remedy, retryable } }) };
  }
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new FettleError("agent.local-bad-call", {
    problem: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  });
}

/** The process on 5052: who asks, what for, and one line in the log for each answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AuthContext, authenticate, Refused } from "./auth.ts";
import { parseBody } from "./body.ts";
import { chatAgent, codeSuggestion } from "./classic.ts";
import type { InferenceContext } from "./inference.ts";
import type { Claims } from "./jwt.ts";
import { logException, PythonError } from "./log.ts";
import { invokePrompt } from "./prompts.ts";
import { HttpProblem, type Reply } from "./reply.ts";
import { createUserToken } from "./self-signed.ts";

export type ApiContext = AuthContext & InferenceContext;

interface Asked {
  path: string;
  body: string;
  claims: Claims;
  signal: AbortSignal;
}

export async function answer(request: IncomingMessage, response: ServerResponse, context: ApiContext): Promise<void> {
  const started = context.now();
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const reply = await replyTo(request, gone.signal, context);
  response.setHeader("x-process-time", String((context.now() - started) / 1000));
  if ("pieces" in reply) await sendPieces(response, reply.pieces);
  else sendJson(response, reply.status, reply.json);
  const [path] = (request.url ?? "/").split("?");
  context.log("info", "api.access", `"${request.method} ${path} HTTP/${request.httpVersion}" ${reply.status}`, {
    path,
    method: request.method,
    status_code: reply.status,
    duration_s: (context.now() - started) / 1000,
    gitlab_instance_id: request.headers["x-gitlab-instance-id"] ?? null,
    gitlab_version: request.headers["x-gitlab-version"] ?? null,
    user_agent: request.headers["user-agent"] ?? null,
  });
}

async function replyTo(request: IncomingMessage, signal: AbortSignal, context: ApiContext): Promise<Reply> {
  try {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://gateway").pathname);
    const claims = await authenticate(path, request.headers, context);
    return await route(request.method ?? "GET", { path, body: await textOf(request), claims, signal }, context);
  } catch (error) {
    return replyToError(error, context);
  }
}

function replyToError(error: unknown, context: ApiContext): Reply {
  if (error instanceof Refused) return { status: 401, json: { error: error.message } };
  if (error instanceof HttpProblem) return { status: error.status, json: { detail: error.message } };
  if (error instanceof PythonError) logException(context.log, error);
  else context.log("error", "exceptions", String(error));
  return { status: 500, json: "Internal Server Error" };
}

async function route(method: string, asked: Asked, context: ApiContext): Promise<Reply> {
  const { path, signal } = asked;
  if (method === "GET") return read(path, context);
  const prompt = /^\/v([12])\/prompts\/(.+)$/.exec(path);
  if (prompt !== null) {
    const version = prompt[1] === "1" ? 1 : 2;
    return await invokePrompt(version, prompt[2] ?? "", parseBody(asked.body), context, signal);
  }
  if (path === "/v1/chat/agent") return await chatAgent(parseBody(asked.body), context, context.now(), signal);
  if (/^\/v[23]\/(code\/)?(generations|completions)$/.test(path)) {
    return await codeSuggestion(parseBody(asked.body), context, context.now(), signal);
  }
  if (path === "/v1/code/user_access_token") return userToken(asked.claims, context);
  throw new HttpProblem(404, "Not Found");
}

function read(path: string, { faults }: ApiContext): Reply {
  if (path === "/monitoring/healthz") return { status: faults().healthzStatus ?? 200, json: {} };
  // Asks the vendor's models and search, which a self-hosted gateway has no keys for: it never says anything else.
  if (path === "/monitoring/ready") return { status: 503, json: {} };
  if (path === "/v1/models/definitions") return { status: 200, json: { models: [], unit_primitives: [] } };
  throw new HttpProblem(404, "Not Found");
}

function userToken(claims: Claims, { settings, log, now, faults }: ApiContext): Reply {
  const { sub, gitlab_realm } = claims;
  const token = faults().tokenCreationFails
    ? undefined
    : createUserToken(settings.apiAuthority, { sub, gitlab_realm, scopes: ["complete_code"] }, now(), log);
  if (token === undefined) throw new HttpProblem(503, "Token creation failed");
  return { status: 200, json: token };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

function sendJson(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
}

async function sendPieces(response: ServerResponse, pieces: AsyncIterable<string>): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  try {
    for await (const piece of pieces) response.write(piece);
    response.end();
  } catch {
    // The model stopped in the middle: the client learns it from an answer that does not end.
    response.destroy();
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { allowedHost, allowedOrigin } from "./api/access.ts";
import { ApiError, type Exchange, sendJson, sendNothing, sendText } from "./api/exchange.ts";
import { findRoute } from "./api/routes.ts";
import { joinHostPort } from "./config/host-address.ts";
import type { Ollama } from "./context.ts";

/** The server on its address; throws with the real one's message when it cannot have it. */
export async function listen(ollama: Ollama): Promise<Server> {
  // Like the real one it never closes a connection by itself.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 });
  const { host, port } = ollama.environment.host;
  const wildcard = host === "" || host === "0.0.0.0";
  try {
    await bind(server, port, wildcard ? "::" : host);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!wildcard || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) throw bindError(error, host, port);
    await bind(server, port, "0.0.0.0").catch((again: unknown) => {
      throw bindError(again, host, port);
    });
  }
  return server;
}

export function addressOf(server: Server): AddressInfo {
  return server.address() as AddressInfo;
}

/** From here on requests are answered; before that they wait. */
export function answerRequests(server: Server, ollama: Ollama): void {
  const bound = addressOf(server).address;
  server.on("request", (request, response) => {
    serve(ollama, bound, request, response).catch((error: unknown) => {
      ollama.log.warn("server.ts", "request failed", { error: String(error) });
      response.destroy();
    });
  });
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

const WHY: Record<string, string> = {
  EADDRINUSE: "bind: address already in use",
  EADDRNOTAVAIL: "bind: cannot assign requested address",
  EACCES: "bind: permission denied",
};

function bindError(error: unknown, host: string, port: number): Error {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (code === "ENOTFOUND") return new Error(`listen tcp: lookup ${host}: no such host`);
  return new Error(`listen tcp ${joinHostPort(host, port)}: ${WHY[code] ?? message}`);
}

async function serve(ollama: Ollama, bound: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const at = performance.now();
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const gone = new AbortController();
  const exchange: Exchange = { request, response, path, params: {}, gone: gone.signal };
  const client = request.socket.remoteAddress?.replace("::ffff:", "") ?? "-";
  const done = Promise.withResolvers<void>();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort(new Error("context canceled"));
    done.resolve();
  });
  const method = request.method ?? "GET";
  const key = `${method} ${path}`;
  ollama.seen[key] = (ollama.seen[key] ?? 0) + 1;
  await dispatch(ollama, bound, exchange);
  await done.promise;
  const status = gone.signal.aborted && !response.headersSent ? 499 : response.statusCode;
  ollama.log.access({ at: new Date(), status, ms: performance.now() - at, client, method, path });
}

async function dispatch(ollama: Ollama, bound: string, exchange: Exchange): Promise<void> {
  const { request, path } = exchange;
  const { hang, fails } = ollama.faults.now;
  if (hang?.includes(path)) return;
  const { host, origin } = request.headers;
  if (!allowedOrigin(origin, host, ollama.environment.origins)) return sendNothing(exchange, 403);
  if (!allowedHost(bound, host)) return sendNothing(exchange, 403);
  const { handler, params, known } = findRoute(request.method ?? "GET", path);
  exchange.params = params;
  try {
    const failure = fails?.[path];
    if (failure !== undefined) throw new ApiError(failure, "the stand-in was told to fail");
    if (handler !== undefined) await handler(ollama, exchange);
    else sendText(exchange, known ? 405 : 404, known ? "405 method not allowed" : "404 page not found");
  } catch (error) {
    fail(exchange, error);
  }
}

/** Errors leave as the path's protocol shows them. Once an answer has begun it can only be broken off. */
function fail(exchange: Exchange, error: unknown): void {
  if (exchange.gone.aborted) return;
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  const status = error instanceof ApiError ? error.status : 500;
  const message = (error as Error).message;
  sendJson(exchange, status, exchange.path.startsWith("/v1/") ? openaiError(status, message) : { error: message });
}

function openaiError(status: number, message: string): unknown {
  const type = { 400: "invalid_request_error", 404: "not_found_error" }[status] ?? "api_error";
  return { error: { message, type, param: null, code: null } };
}

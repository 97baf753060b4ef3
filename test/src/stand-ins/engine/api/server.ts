/** The API's front door: versions, headers, errors, and the handler of a path. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Core } from "../core.ts";
import { badRequest, EngineError, notFound } from "../errors.ts";
import { type Call, type Params, plainCall, upgradeCall } from "./call.ts";
import { type Handler, routes } from "./routes.ts";

export function createApi(core: Core): Server {
  const server = createServer((request, response) => {
    if (core.faults().unresponsive) return;
    const { apiVersion, version } = core.release;
    response.setHeader("api-version", apiVersion);
    response.setHeader("docker-experimental", "false");
    response.setHeader("ostype", "linux");
    response.setHeader("server", `Docker/${version} (linux)`);
    serve(request, core, (params) => plainCall(request, response, params));
  });
  server.on("upgrade", (request, socket, head) => {
    if (core.faults().unresponsive) return;
    serve(request, core, (params) => upgradeCall(request, socket, head, params));
  });
  return server;
}

function serve(request: IncomingMessage, core: Core, callOf: (params: Params) => Call): void {
  const url = new URL(request.url ?? "/", "http://docker");
  const params: string[] = [];
  const call = callOf({ params, query: url.searchParams });
  try {
    const found = route(request.method ?? "GET", withoutVersion(url.pathname, core));
    params.push(...found.params);
    found.handler(call, core).catch((error: unknown) => refuse(call, error));
  } catch (error) {
    refuse(call, error);
  }
}

function route(method: string, path: string): { handler: Handler; params: string[] } {
  for (const [wanted, pattern, handler] of routes) {
    const match = wanted === method || (method === "HEAD" && wanted === "GET") ? pattern.exec(path) : null;
    if (match !== null) return { handler, params: match.slice(1).map(decodeURIComponent) };
  }
  throw notFound("page not found");
}

function withoutVersion(path: string, { release }: Core): string {
  const [, asked, rest] = /^\/v(\d+\.\d+)(\/.*)$/.exec(path) ?? [];
  if (asked === undefined || rest === undefined) return path;
  const { apiVersion, minApiVersion } = release;
  if (ordinal(asked) > ordinal(apiVersion)) {
    throw badRequest(`client version ${asked} is too new. Maximum supported API version is ${apiVersion}`);
  }
  if (ordinal(asked) < ordinal(minApiVersion)) {
    const advice = "please upgrade your client to a newer version";
    throw badRequest(
      `client version ${asked} is too old. Minimum supported API version is ${minApiVersion}, ${advice}`,
    );
  }
  return rest;
}

function ordinal(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1000 + minor;
}

function refuse(call: Call, error: unknown): void {
  if (call.gone.aborted) return;
  if (error instanceof EngineError) call.answer(error.status, { message: error.message });
  else if (error instanceof SyntaxError) call.answer(400, { message: error.message });
  else call.answer(500, { message: String(error) });
}

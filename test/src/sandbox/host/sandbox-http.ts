import type { Http, HttpRequest } from "@fettle/agent/system/http.ts";
import { realHttp } from "@fettle/agent/system/real/http.ts";

/** The real client, with Unix sockets below the root and the outside world's names where the sandbox has them. */
export function sandboxHttp(rooted: (path: string) => string, hosts: Readonly<Record<string, string>>): Http {
  const here = (request: HttpRequest): HttpRequest => withName(withSocket(request, rooted), hosts);
  return {
    request: (request) => realHttp.request(here(request)),
    stream: (request) => realHttp.stream(here(request)),
  };
}

function withSocket(request: HttpRequest, rooted: (path: string) => string): HttpRequest {
  return request.socketPath === undefined ? request : { ...request, socketPath: rooted(request.socketPath) };
}

function withName(request: HttpRequest, hosts: Readonly<Record<string, string>>): HttpRequest {
  const { host, pathname, search } = new URL(request.url);
  const base = hosts[host];
  return base === undefined ? request : { ...request, url: `${base}${pathname}${search}` };
}

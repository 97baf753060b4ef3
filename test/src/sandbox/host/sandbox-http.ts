import type { Http, HttpRequest } from "@fettle/agent/system/http.ts";
import { realHttp } from "@fettle/agent/system/real/http.ts";

interface Place {
  readonly rooted: (path: string) => string;
  /** The machine's own, which its calls come from. */
  readonly address: string;
  readonly hosts: Readonly<Record<string, string>>;
}

/** The real client, with Unix sockets below the root and the outside world's names where the sandbox has them. */
export function sandboxHttp({ rooted, address, hosts }: Place): Http {
  const here = (request: HttpRequest): HttpRequest =>
    request.socketPath === undefined
      ? withName({ ...request, localAddress: address }, hosts)
      : { ...request, socketPath: rooted(request.socketPath) };
  return {
    request: (request) => realHttp.request(here(request)),
    stream: (request) => realHttp.stream(here(request)),
  };
}

function withName(request: HttpRequest, hosts: Readonly<Record<string, string>>): HttpRequest {
  const { host, pathname, search } = new URL(request.url);
  const base = hosts[host];
  return base === undefined ? request : { ...request, url: `${base}${pathname}${search}` };
}

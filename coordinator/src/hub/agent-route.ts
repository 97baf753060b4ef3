import type { IncomingMessage, ServerResponse } from "node:http";
import type { Peer, ShownCertificate } from "./peer.ts";

/** One request of an agent on its port; who asks was looked up for this request. */
export interface AgentCall {
  readonly peer: Peer;
  readonly certificate: ShownCertificate;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What follows the route's path, for a path that ends in a slash. */
  readonly rest: string;
}

/** What agents may ask for on their port beside the WebSocket. */
export interface AgentRoute {
  readonly method: "GET" | "HEAD" | "POST";
  /** The whole path, or, with a slash at its end, what it begins with. */
  readonly path: string;
  /** Writes the answer; a FettleError that is thrown before that becomes one. */
  answer(call: AgentCall): Promise<void>;
}

/** The route for a request and what is left of its path; null when there is none. */
export function routeFor(
  routes: readonly AgentRoute[],
  { method = "", url = "" }: IncomingMessage,
): { route: AgentRoute; rest: string } | null {
  const [path = ""] = url.split("?");
  for (const route of routes) {
    if (route.method !== method) continue;
    if (route.path === path) return { route, rest: "" };
    if (route.path.endsWith("/") && path.startsWith(route.path)) return { route, rest: path.slice(route.path.length) };
  }
  return null;
}

import { isLoopback, isPrivate, isUnspecified } from "../../lib/address.ts";
import type { Fault, Path } from "../problem.ts";
import { listenOf, type ModelServer } from "../sections/model-servers.ts";
import type { Check, CheckInput } from "./check.ts";

/** What would open the stack to others. */
export const safety: Check = (input) => [
  ...plainHttp(input),
  ...bypass(input),
  ...input.spec.modelServers.flatMap((server, i) => [
    ...listen(input, server, ["spec", "modelServers", i]),
    ...hostInEnvironment(server, ["spec", "modelServers", i]),
  ]),
];

function plainHttp({ spec }: CheckInput): Fault[] {
  const url = spec.gitlab?.url;
  if (url === undefined || spec.environment === "evaluation" || url.startsWith("https:")) return [];
  const allowed = "https://…, or environment: evaluation";
  return [
    { code: "stack.plain-http", path: ["spec", "gitlab", "url"], at: "value", found: JSON.stringify(url), allowed },
  ];
}

function bypass({ spec }: CheckInput): Fault[] {
  if (spec.gateway?.auth !== "bypass" || spec.environment === "evaluation") return [];
  const allowed = "jwt, or environment: evaluation";
  return [{ code: "stack.bypass", path: ["spec", "gateway", "auth"], at: "value", found: "bypass", allowed }];
}

function listen({ spec }: CheckInput, server: ModelServer, base: Path): Fault[] {
  const address = spec.nodes[server.node]?.address;
  const where = listenOf(server, spec.nodes);
  if (address === undefined || where === null) return [];
  const why = whyNot(where.host, address);
  if (why === null) return [];
  const path: Path = server.listen === "private" ? ["spec", "nodes", server.node, "address"] : [...base, "listen"];
  const allowed = "private, or a private address of the node and a port";
  return [{ code: "stack.listen", path, at: "value", found: `${where.host}:${where.port}`, allowed, args: { why } }];
}

function whyNot(host: string, address: string): string | null {
  if (isUnspecified(host)) return "this listens on every address, public ones too";
  if (!isPrivate(host)) return "this is a public address, and the server asks nobody who they are";
  if (isLoopback(host) && !isLoopback(address)) return "nobody but the machine itself reaches a loopback address";
  return null;
}

function hostInEnvironment(server: ModelServer, base: Path): Fault[] {
  if (!Object.hasOwn(server.env, "OLLAMA_HOST")) return [];
  const path = [...base, "env", "OLLAMA_HOST"];
  return [
    { code: "stack.not-allowed", path, at: "key", found: "OLLAMA_HOST", allowed: "the key listen, which sets it" },
  ];
}

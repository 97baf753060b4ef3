import * as z from "zod";
import { hostPort } from "../../lib/address.ts";
import { ollama, ollamaListen } from "./ollama.ts";

/** One line a kind of model server. */
export const modelServer = z.discriminatedUnion("kind", [ollama], { error: "ollama" });
export type ModelServer = z.output<typeof modelServer>;
const listens = { ollama: ollamaListen };

export const modelServers = z.array(modelServer).max(50).prefault([]).describe("The model servers.");

type Nodes = Readonly<Record<string, { readonly address: string }>>;

/** Where a model server listens; null while its node is not declared. */
export function listenOf(server: ModelServer, nodes: Nodes): { host: string; port: number } | null {
  const address = nodes[server.node]?.address;
  return address === undefined ? null : listens[server.kind](server, address);
}

/** The OpenAI endpoint that GitLab is told, as in `http://172.31.11.27:11434/v1`. */
export function endpointOf(server: ModelServer, nodes: Nodes): string | null {
  const listen = listenOf(server, nodes);
  return listen === null ? null : `http://${hostPort(listen.host, listen.port)}/v1`;
}

import type { Ollama } from "../context.ts";
import { create, headBlob, putBlob } from "./create.ts";
import type { Exchange } from "./exchange.ts";
import { root, status, version } from "./general.ts";
import { chat, generate } from "./generate.ts";
import { copy, ps, remove, show, tags } from "./models.ts";
import { chatCompletions, completions, model, models } from "./openai.ts";
import { pull } from "./pull.ts";

export type Handler = (ollama: Ollama, exchange: Exchange) => Promise<void>;

export interface Route {
  methods: string[];
  /** A part that starts with `:` takes anything up to the next slash; the last one takes the rest. */
  path: string;
  handler: Handler;
}

export const routes: Route[] = [
  { methods: ["GET", "HEAD"], path: "/", handler: root },
  { methods: ["GET", "HEAD"], path: "/api/version", handler: version },
  { methods: ["GET"], path: "/api/status", handler: status },
  { methods: ["GET", "HEAD"], path: "/api/tags", handler: tags },
  { methods: ["GET"], path: "/api/ps", handler: ps },
  { methods: ["POST"], path: "/api/show", handler: show },
  { methods: ["POST"], path: "/api/pull", handler: pull },
  { methods: ["DELETE"], path: "/api/delete", handler: remove },
  { methods: ["POST"], path: "/api/copy", handler: copy },
  { methods: ["POST"], path: "/api/create", handler: create },
  { methods: ["POST"], path: "/api/blobs/:digest", handler: putBlob },
  { methods: ["HEAD"], path: "/api/blobs/:digest", handler: headBlob },
  { methods: ["POST"], path: "/api/generate", handler: generate },
  { methods: ["POST"], path: "/api/chat", handler: chat },
  { methods: ["POST"], path: "/v1/chat/completions", handler: chatCompletions },
  { methods: ["POST"], path: "/v1/completions", handler: completions },
  { methods: ["GET"], path: "/v1/models", handler: models },
  { methods: ["GET"], path: "/v1/models/:model", handler: model },
];

export interface Found {
  handler: Handler | undefined;
  params: Record<string, string>;
  /** The path exists, with other methods. */
  known: boolean;
}

export function findRoute(method: string, path: string): Found {
  const matches = routes.flatMap((route) => {
    const params = match(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  const found = matches.find(({ route }) => route.methods.includes(method));
  return { handler: found?.route.handler, params: found?.params ?? {}, known: matches.length > 0 };
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const at = pattern.indexOf("/:");
  if (at < 0) return pattern === path ? {} : undefined;
  const start = pattern.slice(0, at + 1);
  if (!path.startsWith(start) || path.length === start.length) return undefined;
  return { [pattern.slice(at + 2)]: decodeURIComponent(path.slice(start.length)) };
}

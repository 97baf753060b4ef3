import type { IncomingMessage } from "node:http";
import { isObject } from "./merge-patch.ts";

/** Query and body together, the body as JSON or as a form; `name[]` makes a list, as Rails reads it. */
export function readParams(request: IncomingMessage, url: URL, body: string): Record<string, unknown> {
  const params = fromPairs(url.searchParams);
  const type = request.headers["content-type"] ?? "";
  if (body === "") return params;
  if (type.startsWith("application/json")) return { ...params, ...object(body) };
  return { ...params, ...fromPairs(new URLSearchParams(body)) };
}

function object(body: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function fromPairs(pairs: URLSearchParams): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [key, value] of pairs) {
    if (!key.endsWith("[]")) params[key] = value;
    else {
      const name = key.slice(0, -2);
      const list = Array.isArray(params[name]) ? params[name] : [];
      params[name] = [...list, value];
    }
  }
  return params;
}

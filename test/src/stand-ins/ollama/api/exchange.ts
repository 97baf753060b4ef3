import type { IncomingMessage, ServerResponse } from "node:http";

/** One request with its answer. `gone` aborts when the client closes before the answer is complete. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  /** What stood in place of the `:name` parts of the route. */
  params: Record<string, string>;
  gone: AbortSignal;
}

/** An answer with a status and `{"error": text}` (under /v1 in OpenAI's shape). */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Body = Record<string, unknown>;

/** The JSON object of the request; 400 with the real one's words when there is none. */
export async function bodyOf(exchange: Exchange): Promise<Body> {
  let text = "";
  for await (const chunk of exchange.request.setEncoding("utf8")) text += chunk;
  if (text.trim() === "") throw new ApiError(400, "missing request body");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Body;
  } catch {
    throw new ApiError(400, `invalid character ${JSON.stringify(text[0])} looking for beginning of value`);
  }
  throw new ApiError(400, "json: cannot unmarshal into Go value");
}

export const textIn = (body: Body, key: string): string => (typeof body[key] === "string" ? body[key] : "");

export function sendJson(exchange: Exchange, status: number, value: unknown): void {
  send(exchange, status, "application/json; charset=utf-8", JSON.stringify(value));
}

export function sendText(exchange: Exchange, status: number, text: string): void {
  send(exchange, status, "text/plain; charset=utf-8", text);
}

export function sendNothing(exchange: Exchange, status: number): void {
  exchange.response.writeHead(status, { "content-length": 0 }).end();
}

/** Lines of JSON as they come; the head goes out with the first. */
export function openLines(exchange: Exchange): (value: unknown) => void {
  const { response } = exchange;
  return (value) => {
    if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify(value)}\n`);
  };
}

function send(exchange: Exchange, status: number, type: string, text: string): void {
  const { request, response } = exchange;
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(request.method === "HEAD" ? undefined : text);
}

import { request } from "node:http";

export interface Answer {
  status: number;
  type: string;
  text: string;
  /** The body as JSON. */
  json: Record<string, unknown>;
  /** The body as lines of JSON. */
  lines: Record<string, unknown>[];
  /** The connection broke before the end. */
  broken: boolean;
}

export interface CallOptions {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Called with each piece of the body as it comes. */
  onData?: (text: string) => void;
}

/** One request without a pool, so that a test's server can be closed at once. */
export function call(method: string, url: string, options: CallOptions = {}): Promise<Answer> {
  const { body, headers = {}, signal, onData } = options;
  return new Promise((resolve, reject) => {
    const bytes = bytesOf(body);
    // Node frames the body of a DELETE only when it is told its length.
    const framed = { ...headers, ...(bytes !== undefined && { "content-length": String(bytes.length) }) };
    const asked = request(url, { method, headers: framed, agent: false, ...(signal && { signal }) }, (response) => {
      let text = "";
      const end = (broken: boolean): void => {
        const type = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode ?? 0, type, text, broken, ...parsed(text) });
      };
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
        onData?.(piece);
      });
      response.on("end", () => end(false));
      response.on("error", () => end(true));
    });
    asked.on("error", reject);
    asked.end(bytes);
  });
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function parsed(text: string): Pick<Answer, "json" | "lines"> {
  const one = (line: string): Record<string, unknown> => {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      return {};
    }
  };
  return { json: one(text), lines: text.split("\n").filter(Boolean).map(one) };
}

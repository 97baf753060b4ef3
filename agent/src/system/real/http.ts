import type { Http, HttpRequest, HttpResponse, HttpStream } from "../http.ts";
import { Exchange } from "./http-exchange.ts";

const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

export const realHttp: Http = { request, stream };

async function request(request: HttpRequest): Promise<HttpResponse> {
  const exchange = new Exchange({ maxBytes: DEFAULT_MAX_BYTES, ...request });
  try {
    const { status, headers } = await exchange.head();
    const chunks: Uint8Array[] = [];
    for await (const chunk of exchange.body()) chunks.push(chunk);
    return { status, headers, text: Buffer.concat(chunks).toString("utf8") };
  } finally {
    exchange.close();
  }
}

async function stream(request: HttpRequest): Promise<HttpStream> {
  const exchange = new Exchange(request);
  try {
    const { status, headers } = await exchange.head();
    exchange.endDeadline();
    return { status, headers, chunks: exchange.body(), close: () => exchange.close() };
  } catch (error) {
    exchange.close();
    throw error;
  }
}

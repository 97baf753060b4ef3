import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Relay, RelayAnswer, RelayCall } from "../relay.ts";

type Handle = (call: RelayCall) => Promise<RelayAnswer>;

const HEAD_MS = 10_000;
const MOST_CONNECTIONS = 64;

export const realRelay: Relay = {
  async serve(handle, signal) {
    signal.throwIfAborted();
    const limits = { headersTimeout: HEAD_MS, requestTimeout: HEAD_MS, maxHeaderSize: 8192 };
    const server = createServer(limits, (request, response) => {
      answer(request, response, handle).catch(() => response.destroy());
    });
    server.maxConnections = MOST_CONNECTIONS;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const end = (): void => {
      server.close();
      server.closeAllConnections();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("impossible: no TCP address");
    return address.port;
  },
};

async function answer(request: IncomingMessage, response: ServerResponse, handle: Handle): Promise<void> {
  const { method, url = "", headers } = request;
  if (method !== "GET" && method !== "HEAD") return void response.writeHead(405, { connection: "close" }).end();
  const found = await handle({ method, path: url, range: headers.range });
  response.writeHead(found.status, found.headers);
  if (found.body === null || method === "HEAD") return void response.end();
  await pipeline(Readable.from(found.body, { objectMode: false, highWaterMark: 256 * 1024 }), response);
}

/** One request of the API and its answer, for plain requests and for those that take the connection over. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Readable, Writable } from "node:stream";
import { type Json, record } from "../json.ts";

/** A connection that carries bytes of a process from now on. */
export interface Taken {
  output: Writable;
  /** What the client sends; undefined where it cannot send any more. */
  input: Readable | undefined;
}

export interface Call {
  params: string[];
  query: URLSearchParams;
  request: IncomingMessage;
  /** Fires when the client has gone or has been answered whole. */
  gone: AbortSignal;
  /** The request's JSON; `{}` for an empty body. Throws what JSON.parse does. */
  json(): Promise<Json>;
  /** Starts an answer of unknown length; 200 unless `upgraded`. */
  stream(contentType: string): Writable;
  takeOver(contentType: string): Taken;
  answer(status: number, json?: unknown): void;
}

export type Params = Pick<Call, "params" | "query">;

const headersOf = (json: unknown): Record<string, string> =>
  json === undefined ? {} : { "content-type": "application/json" };

export function plainCall(request: IncomingMessage, response: ServerResponse, { params, query }: Params): Call {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.on("error", () => gone.abort());
  const stream = (contentType: string): Writable => {
    response.writeHead(200, { "content-type": contentType });
    response.flushHeaders();
    return response;
  };
  return {
    params,
    query,
    request,
    gone: gone.signal,
    json: async () => parsed(await wholeText(request)),
    stream,
    takeOver: (contentType) => {
      // Raw bytes until the connection ends, without the framing of chunks.
      response.useChunkedEncodingByDefault = false;
      response.setHeader("connection", "close");
      return { output: stream(contentType), input: undefined };
    },
    answer: (status, json) => {
      response.writeHead(status, headersOf(json)).end(json === undefined ? undefined : `${JSON.stringify(json)}\n`);
    },
  };
}

/** A request with `Upgrade: tcp`: its body still stands in the socket, and what is answered is written by hand. */
export function upgradeCall(request: IncomingMessage, socket: Duplex, head: Buffer, { params, query }: Params): Call {
  const gone = new AbortController();
  socket.on("close", () => gone.abort());
  socket.on("error", () => gone.abort());
  const takeOver = (contentType: string): Taken => {
    socket.write(
      `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
    return { output: socket, input: socket };
  };
  if (head.length > 0) socket.unshift(head);
  return {
    params,
    query,
    request,
    gone: gone.signal,
    json: async () => parsed(await textOfLength(socket, Number(request.headers["content-length"] ?? 0))),
    stream: (contentType) => takeOver(contentType).output,
    takeOver,
    answer: (status, json) => {
      const body = json === undefined ? "" : JSON.stringify(json);
      const head = `HTTP/1.1 ${status} -\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
      socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
    },
  };
}

async function wholeText(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

async function textOfLength(socket: Duplex, length: number): Promise<string> {
  if (length === 0) return "";
  const chunks: Buffer[] = [];
  let missing = length;
  while (missing > 0 && !socket.destroyed) {
    const available = Math.min(missing, socket.readableLength);
    const chunk = available > 0 ? (socket.read(available) as Buffer | null) : null;
    if (chunk === null) {
      await new Promise<void>((resolve) => socket.once("readable", resolve).once("close", resolve));
      continue;
    }
    chunks.push(chunk);
    missing -= chunk.length;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): Json {
  return text.trim() === "" ? {} : record(JSON.parse(text));
}

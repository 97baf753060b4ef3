import { once } from "node:events";
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import type { LocalAnswer, LocalCall, LocalSocket } from "../local-socket.ts";

const MAX_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const REQUEST_MS = 10_000;
/** Everything but the owner's reading and writing. */
const OWNER_ONLY = 0o177;

export const realLocalSocket: LocalSocket = { serve, call };

async function serve(
  path: string,
  handle: (call: LocalCall) => Promise<LocalAnswer>,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (await isAnswered(path)) throw Object.assign(new Error(`${path} is in use`), { code: "EADDRINUSE" });
  await rm(path, { force: true });
  const server = createServer({ requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS }, (incoming, outgoing) => {
    reply(incoming, outgoing, handle).catch(() => outgoing.destroy());
  });
  await listen(server, path);
  await chmod(path, 0o600);
  if (!signal.aborted) await once(signal, "abort");
  server.close();
  server.closeIdleConnections();
  await once(server, "close");
  await rm(path, { force: true });
}

/** The file is made with the umask of this moment, so nobody else can connect before its mode is set. */
async function listen(server: Server, path: string): Promise<void> {
  const before = process.umask(OWNER_ONLY);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, "listening");
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.on("connect", () => done(true));
    socket.on("error", () => done(false));
  });
}

async function reply(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  handle: (call: LocalCall) => Promise<LocalAnswer>,
): Promise<void> {
  const { status, body } = await answerTo(incoming, handle);
  const text = JSON.stringify(body);
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    connection: "close",
  });
  outgoing.end(text);
}

async function answerTo(
  incoming: IncomingMessage,
  handle: (call: LocalCall) => Promise<LocalAnswer>,
): Promise<LocalAnswer> {
  const method = incoming.method === "POST" ? "POST" : "GET";
  const text = await textOf(incoming, MAX_BYTES);
  try {
    const body: unknown = text === "" ? null : JSON.parse(text);
    return await handle({ method, path: incoming.url ?? "/", body });
  } catch (error) {
    if (error instanceof SyntaxError) return { status: 400, body: { error: { message: "not JSON" } } };
    throw error;
  }
}

function call(path: string, { method, path: url, body }: LocalCall, deadlineMs: number): Promise<LocalAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<LocalAnswer>();
  const text = body === null ? "" : JSON.stringify(body);
  const outgoing = request({ socketPath: path, path: url, method, agent: false, headers: headersOf(text) });
  const timer = setTimeout(() => {
    outgoing.destroy(Object.assign(new Error(`no answer within ${deadlineMs} ms`), { code: "ETIMEDOUT" }));
  }, deadlineMs);
  outgoing.on("close", () => clearTimeout(timer));
  outgoing.on("error", reject);
  outgoing.on("response", (incoming) => {
    textOf(incoming, MAX_ANSWER_BYTES)
      .then((answer) => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(answer) }))
      .catch(reject);
  });
  outgoing.end(text);
  return promise;
}

function headersOf(text: string): Record<string, string | number> {
  return text === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
}

async function textOf(incoming: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

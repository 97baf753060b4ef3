import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, json } from "./answer.ts";
import { identify } from "./auth.ts";
import { answerDiscovery, isDiscovery } from "./discovery.ts";
import { answerGraphql } from "./graphql-endpoint.ts";
import { answerMonitoring } from "./monitoring.ts";
import { badGateway, deployInProgress, notFound } from "./pages.ts";
import { answerRest } from "./rest.ts";
import type { World } from "./world.ts";

const LARGEST_BODY = 1024 * 1024;

/** One request from beginning to end. `null` from a part means that this request is never answered. */
export async function listen(world: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { hang, slowMs, page } = world.faults.now;
  const body = await readBody(request);
  if (hang) return;
  if (slowMs > 0) await delay(slowMs);
  if (page) return write(response, page === "502" ? badGateway() : deployInProgress());
  const answer = await answerOf(world, request, body);
  if (answer) write(response, answer);
}

async function answerOf(world: World, request: IncomingMessage, body: string): Promise<Answer | null> {
  const url = new URL(request.url ?? "/", world.url);
  const health = answerMonitoring(world, url.pathname, url.searchParams, request.socket.remoteAddress ?? "");
  if (health) return health;
  if (isDiscovery(url.pathname)) return await answerDiscovery(world, url.pathname);
  const identity = identify(world, request);
  if (url.pathname === "/api/graphql") {
    if (request.method !== "POST") return json(422, { errors: [{ message: "Only POST is served here" }] });
    return await answerGraphql(world, identity, body);
  }
  if (url.pathname.startsWith("/api/v4/")) return answerRest(world, request, identity, url, body);
  return notFound();
}

function write(response: ServerResponse, answer: Answer): void {
  const length = Buffer.byteLength(answer.body);
  response.writeHead(answer.status, { server: "nginx", "content-length": String(length), ...answer.headers });
  response.end(answer.body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw new RangeError("the request is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

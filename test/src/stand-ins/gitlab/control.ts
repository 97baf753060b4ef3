import { mkdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { dirname } from "node:path";
import { type Answer, empty, json } from "./answer.ts";
import { mintToken } from "./rails-mint.ts";
import type { World } from "./world.ts";

type Handler = (body: unknown) => Answer | Promise<Answer>;

/** The tests' way in, on a Unix socket: look at the state, change it, break it, see what was asked. */
export async function openControl(world: World, path: string, changed: () => Promise<void>): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const handlers = handlersOf(world, changed);
  const server = createServer((request, response) => {
    answer(handlers, request).then(
      (found) => write(response, found),
      (error: unknown) => write(response, json(400, { message: String(error) })),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return server;
}

function handlersOf(world: World, changed: () => Promise<void>): Record<string, Handler> {
  return {
    "GET /state": () => json(200, world.store.state),
    "PUT /state": async (body) => {
      world.store.patch(body);
      await changed();
      return json(200, world.store.state);
    },
    "GET /faults": () => json(200, world.faults.now),
    "PUT /faults": (body) => {
      world.faults.replace(body);
      return json(200, world.faults.now);
    },
    "GET /requests": () => json(200, world.requests.summary()),
    "DELETE /requests": () => {
      world.requests.clear();
      return empty(204);
    },
    "POST /signing-key": () => {
      world.signer.rotate();
      return empty(204);
    },
    "POST /rails/mint": (body) => mintToken(world, body),
  };
}

async function answer(handlers: Record<string, Handler>, request: IncomingMessage): Promise<Answer> {
  const handler = handlers[`${request.method} ${request.url}`];
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  if (!handler) return json(404, { message: `no such control: ${request.method} ${request.url}` });
  const body = Buffer.concat(chunks).toString("utf8");
  return await handler(body === "" ? {} : (JSON.parse(body) as unknown));
}

function write(response: ServerResponse, found: Answer): void {
  response.writeHead(found.status, found.headers);
  response.end(found.body);
}

import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { byteRange } from "@fettle/shared/lib/byte-range.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import type { AgentCall, AgentRoute } from "../hub/agent-route.ts";

const SHA256 = /^[0-9a-f]{64}$/;

/** The files of the mirror by their sum, whole or in part: none but those that something in the mirror names. */
export function mirroredFiles(context: () => Context): readonly AgentRoute[] {
  const answer = (call: AgentCall) => send(context(), call);
  return (["GET", "HEAD"] as const).map((method) => ({ method, path: "/v1/blobs/", answer }));
}

async function send({ mirror }: Context, { request, response, rest }: AgentCall): Promise<void> {
  const found = SHA256.test(rest) ? await mirror.served(rest) : null;
  if (found === null) throw new FettleError("api.not-found", { what: "such file in the mirror" });
  const { path, size } = found;
  const range = byteRange(request.headers.range, size);
  const headers = { "content-type": "application/octet-stream", "accept-ranges": "bytes" };
  if (range === "none") return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const part = range === null ? {} : { "content-range": `bytes ${start}-${end}/${size}` };
  response.writeHead(range === null ? 200 : 206, { ...headers, ...part, "content-length": end - start + 1 });
  if (request.method === "HEAD" || size === 0) return void response.end();
  // An agent that goes away in the middle comes back for the rest.
  await pipeline(createReadStream(path, { start, end, highWaterMark: 256 * 1024 }), response).catch(() =>
    response.destroy(),
  );
}

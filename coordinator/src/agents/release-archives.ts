import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import type { Context } from "../context.ts";
import type { AgentRoute } from "../hub/agent-route.ts";

const RANGE = /^bytes=(\d{1,15})-$/;

/** The archives of the agent's releases, from any byte on. */
export function releaseArchives(context: () => Context): AgentRoute {
  return {
    method: "GET",
    path: "/v1/releases/",
    async answer({ request, response, rest }) {
      const releases = await context().releases();
      const found = releases.find(({ manifest }) => releaseArchiveName(manifest) === rest);
      if (found === undefined) throw new FettleError("api.not-found", { what: "such release here" });
      const { size } = await stat(found.path);
      const from = Number(RANGE.exec(request.headers.range ?? "")?.[1] ?? 0);
      const headers = { "content-type": "application/gzip", "accept-ranges": "bytes" };
      if (from > 0 && from >= size) return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();
      const part = from > 0 ? { "content-range": `bytes ${from}-${size - 1}/${size}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { ...headers, ...part, "content-length": size - from });
      // An agent that goes away in the middle comes back for the rest.
      await pipeline(createReadStream(found.path, { start: from }), response).catch(() => response.destroy());
    },
  };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, RemoteError } from "@fettle/coordinator/cli/client.ts";
import type { Target } from "@fettle/coordinator/cli/env.ts";
import { mirrorUploadRoute } from "@fettle/shared/api/mirror.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import t from "tap";
import { type MirrorBench, mirrorBench } from "./coordinator-bench.ts";

const HOST = "127.77.0.3";
const CHUNK = Buffer.alloc(1024 * 1024);
const SIZE = 64 * CHUNK.length;

async function targets(bench: MirrorBench): Promise<Record<string, Target>> {
  const pem = await readFile(join(bench.folder, "data/pki/ca.pem"), "utf8");
  const made = await bench.fettle("token", "create", "--api", "admin", "--name", "a", "--json");
  const { token } = JSON.parse(made.text) as { token: string };
  const url = new URL(`https://${HOST}:${bench.apiPort}`);
  return {
    "by the socket": { kind: "socket", path: join(bench.folder, "run/admin.sock") },
    "over HTTPS": { kind: "https", url, token: new Secret(token), trust: { pem, name: "localhost" } },
  };
}

t.test(
  "an upload that is refused in the middle has the coordinator's words, whatever is still on its way",
  async (t) => {
    const bench = await mirrorBench(t);
    const full = new FettleError("mirror.disk-full", { folder: "/f", needed: "2 GB", free: "1 GB" });
    const receive = async (_: unknown, source: AsyncIterable<Uint8Array>) => {
      for await (const _ of source) throw full;
    };
    Object.defineProperty(bench.context.mirror, "receive", { value: receive });
    for (const [how, target] of Object.entries(await targets(bench))) {
      for (let round = 0; round < 10; round += 1) {
        const api = new Client(() => target, AbortSignal.timeout(20_000));
        const input = { params: { sha256: "0".repeat(64) }, query: { size: SIZE } };
        const sent = api.upload(mirrorUploadRoute, input, { size: SIZE, chunks: chunks() });
        const error: unknown = await sent.catch((thrown: unknown) => thrown);
        t.ok(error instanceof RemoteError && error.code === "mirror.disk-full", `${how}: ${String(error)}`);
      }
    }
  },
);

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < SIZE; sent += CHUNK.length) yield CHUNK;
}

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import t from "tap";
import type { Context } from "../context.ts";
import { releaseArchives } from "./release-archives.ts";

const NAME = "fettle-agent-0.2.0-linux-x64.tar.gz";
const BYTES = "0123456789".repeat(1000);

const folder = mkdtempSync(join(tmpdir(), "fettle-archives-"));
writeFileSync(join(folder, NAME), BYTES);
writeFileSync(join(folder, "secret"), "secret");
const manifest = { product: "fettle-agent", version: "0.2.0", arch: "x64" };
const context = { releases: async () => [{ manifest, path: join(folder, NAME) }] } as unknown as Context;
const { path, answer } = releaseArchives(() => context);
const server = createServer((request, response) => {
  const rest = (request.url ?? "").slice(path.length);
  answer({
    request,
    response,
    rest,
    peer: { node: "ollama-1", stack: "duo" } as never,
    certificate: {} as never,
  }).catch((error: unknown) => response.writeHead(error instanceof FettleError ? error.status : 500).end());
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
t.teardown(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

/** What is asked for, with which range -> status, and the bytes from which on. */
const CASES: readonly [string, string | null, number, number | null][] = [
  [NAME, null, 200, 0],
  [NAME, "bytes=0-", 200, 0],
  [NAME, "bytes=1-", 206, 1],
  [NAME, "bytes=9999-", 206, 9999],
  [NAME, "bytes=10000-", 416, null],
  [NAME, "bytes=5-7", 200, 0],
  [NAME, "bytes=-5", 200, 0],
  ["fettle-agent-0.3.0-linux-x64.tar.gz", null, 404, null],
  ["secret", null, 404, null],
  ["../secret", null, 404, null],
  ["..%2fsecret", null, 404, null],
  ["", null, 404, null],
];

for (const [name, range, status, from] of CASES)
  t.test(`${name || "nothing"} ${range ?? ""}: ${status}`, async (t) => {
    const found = await fetch(`http://127.0.0.1:${port}${path}${name}`, { headers: range === null ? {} : { range } });
    const text = await found.text();
    t.equal(found.status, status);
    if (from === null) return t.notMatch(text, "secret");
    t.equal(text, BYTES.slice(from));
    t.equal(found.headers.get("content-length"), String(BYTES.length - from));
    if (status === 206) t.equal(found.headers.get("content-range"), `bytes ${from}-9999/10000`);
  });

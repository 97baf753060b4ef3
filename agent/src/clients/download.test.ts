import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import type { Host } from "../system/host.ts";
import { realFiles } from "../system/real/files.ts";
import { realHttp } from "../system/real/http.ts";
import { type Downloaded, download } from "./download.ts";

const BYTES = Buffer.alloc(300_000, "0123456789abcdefg");
const SHA256 = createHash("sha256").update(BYTES).digest("hex");

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Served {
  readonly to: string;
  readonly seen: string[];
  get(path?: string): Promise<Downloaded>;
}

/** A server that answers each request by the next of these, the last for ever. */
async function serve(
  t: Pick<typeof import("tap").t, "testdir" | "teardown">,
  answers: readonly Answer[],
): Promise<Served> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const answer = answers[seen.length] ?? answers.at(-1);
    seen.push(`${request.url} ${request.headers.range ?? ""}`.trim());
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const host = { files: realFiles, http: realHttp, clock: { sleep: async () => undefined } } as unknown as Host;
  const to = join(t.testdir(), "file");
  const { signal } = new AbortController();
  return {
    to,
    seen,
    get: (path = "/file") =>
      download(host, { url: `http://127.0.0.1:${port}${path}`, to, sha256: SHA256 }, signal, () => undefined),
  };
}

const fromOf = (request: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);

const whole: Answer = (request, response) => {
  const from = fromOf(request);
  const head = { "content-length": BYTES.length - from };
  if (from === 0) response.writeHead(200, head);
  else response.writeHead(206, { ...head, "content-range": `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` });
  response.end(BYTES.subarray(from));
};
/** Sends so much and hangs up. */
const cut =
  (bytes: number): Answer =>
  (request, response) => {
    const from = fromOf(request);
    response.writeHead(from === 0 ? 200 : 206, {
      "content-length": BYTES.length - from,
      "content-range": `bytes ${from}-`,
    });
    response.write(BYTES.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 20));
  };
const noRanges: Answer = (_, response) => void response.writeHead(200, { "content-length": BYTES.length }).end(BYTES);
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end();

interface Case {
  readonly name: string;
  readonly answers: readonly Answer[];
  readonly kind: Downloaded["kind"];
  readonly problem?: RegExp;
  readonly seen?: readonly (string | RegExp)[];
}

const cases: Case[] = [
  { name: "at once", answers: [whole], kind: "whole", seen: ["/file"] },
  {
    name: "cut twice, gone on with",
    answers: [cut(100_000), cut(50_000), whole],
    kind: "whole",
    seen: ["/file", "/file bytes=100000-", "/file bytes=150000-"],
  },
  { name: "a server without ranges begins anew", answers: [cut(100_000), noRanges], kind: "whole" },
  { name: "a server in trouble is asked again", answers: [status(503), status(429), whole], kind: "whole" },
  {
    name: "in trouble for long",
    answers: [status(503)],
    kind: "cut",
    problem: /status 503/,
    seen: ["/file", "/file", "/file"],
  },
  {
    name: "another part than asked for",
    answers: [cut(100_000), status(206, { "content-range": "bytes 7-9/10" }), whole],
    kind: "whole",
  },
  { name: "not there", answers: [status(404)], kind: "refused", problem: /status 404/, seen: ["/file"] },
  {
    name: "redirected",
    answers: [status(302, { location: "/a" }), status(307, { location: "b" }), whole],
    kind: "whole",
    seen: ["/file", "/a", "/b"],
  },
  {
    name: "redirected for ever",
    answers: [status(301, { location: "/again" })],
    kind: "refused",
    problem: /more than 5/,
  },
  {
    name: "redirected to a file",
    answers: [status(302, { location: "file:///etc/passwd" })],
    kind: "refused",
    problem: /redirect to file/,
  },
];

for (const { name, answers, kind, problem, seen } of cases)
  t.test(name, async (t) => {
    const served = await serve(t, answers);
    t.match(await served.get(), { kind, ...(problem && { problem }) });
    if (kind === "whole") t.ok(readFileSync(served.to).equals(BYTES));
    if (seen) t.same(served.seen, seen);
  });

t.test("another file than wanted is not kept; what an earlier call left is gone on with", async (t) => {
  const wrong: Answer = (_, response) => void response.writeHead(200).end("something else");
  const served = await serve(t, [wrong, cut(100_000), status(404), whole]);
  t.match(await served.get(), { kind: "sum-differs", found: /^[0-9a-f]{64}$/ });
  t.equal(await realFiles.stat(`${served.to}.part`), null);
  t.match(await served.get(), { kind: "refused" });
  t.match(await served.get(), { kind: "whole" });
  t.equal(served.seen.at(-1), "/file bytes=100000-");
});

t.test("from https never to http", async (t) => {
  const asked: string[] = [];
  const http = {
    stream: async ({ url }: { url: string }) => {
      asked.push(url);
      return {
        status: 302,
        headers: { location: "http://mirror/x" },
        chunks: (async function* () {})(),
        close: () => undefined,
      };
    },
  };
  const host = { files: realFiles, http, clock: { sleep: async () => undefined } } as unknown as Host;
  const wanted = { url: "https://vendor/x", to: join(t.testdir(), "file"), sha256: SHA256 };
  const outcome = await download(host, wanted, new AbortController().signal, () => undefined);
  t.match(outcome, { kind: "refused", problem: /redirect to http:/ });
  t.same(asked, ["https://vendor/x"]);
});

import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import t from "tap";
import type { HttpRequest } from "../http.ts";
import { realHttp as http } from "./http.ts";
import { realNet as net } from "./net.ts";

const root = mkdtempSync(join(tmpdir(), "fettle-real-http-"));
const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
const sockets = new Set<Socket>();
t.teardown(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
  rmSync(root, { recursive: true, force: true });
});

async function listen(server: Server, path?: string): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve),
  );
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

/** A server that says exactly these bytes to whatever is asked, piece by piece, and then hangs up or stays. */
async function saying(pieces: readonly string[], { everyMs = 20, end = true } = {}): Promise<string> {
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      if (end) socket.end();
    });
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

function echo(request: IncomingMessage, response: ServerResponse): void {
  let body = "";
  request.setEncoding("utf8").on("data", (text) => {
    body += text;
  });
  request.on("end", () => {
    const { method, url, headers } = request;
    response.setHeader("set-cookie", ["a=1", "b=2"]).setHeader("X-Case", "yes");
    response.writeHead(url === "/moved" ? 302 : 200, url === "/moved" ? { location: "/" } : {});
    response.end(method === "HEAD" ? undefined : JSON.stringify({ method, url, body, headers }));
  });
}

const quick = { deadlineMs: 5_000 };

t.test("a request, its answer, and no redirect", async (t) => {
  const base = `http://127.0.0.1:${await listen(createServer(echo))}`;
  const posted = await http.request({
    ...quick,
    url: `${base}/a?b=c`,
    method: "POST",
    headers: { "X-A": "1" },
    body: "größer",
  });
  t.equal(posted.status, 200);
  t.match(JSON.parse(posted.text), {
    method: "POST",
    url: "/a?b=c",
    body: "größer",
    headers: { "x-a": "1", "content-length": "8", connection: "close" },
  });
  t.match(posted.headers, { "x-case": "yes", "set-cookie": "a=1, b=2" });
  t.equal((await http.request({ ...quick, url: base })).status, 200);
  t.match(await http.request({ ...quick, url: base, method: "HEAD" }), { status: 200, text: "" });
  t.match(await http.request({ ...quick, url: `${base}/moved` }), { status: 302, headers: { location: "/" } });
});

t.test("a unix socket", async (t) => {
  const socketPath = join(root, "engine.sock");
  await listen(createServer(echo), socketPath);
  const { text } = await http.request({ ...quick, url: "http://engine/v1/info?x=1", socketPath });
  t.match(JSON.parse(text), { url: "/v1/info?x=1", headers: { host: "engine" } });
  await t.rejects(http.request({ ...quick, url: "http://engine/", socketPath: join(root, "none") }), {
    code: "ENOENT",
  });
});

/** What goes wrong, told apart by its code, by both ways to ask. */
interface Failure {
  readonly name: string;
  readonly url: () => Promise<string>;
  readonly options?: Partial<HttpRequest>;
  readonly expected: { code: string | RegExp } | { name: string } | { message: string };
  /** The headers come, so that a stream fails while it is read. */
  readonly inBody?: boolean;
}

const HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const failures: readonly Failure[] = [
  { name: "nobody listens", url: async () => "http://127.0.0.1:1/", expected: { code: "ECONNREFUSED" } },
  {
    name: "no such name",
    url: async () => "http://fettle-no-such-name.invalid/",
    expected: { code: /ENOTFOUND|EAI_AGAIN/ },
  },
  {
    name: "silence from the start",
    url: () => saying([], { end: false }),
    options: { idleMs: 150 },
    expected: { code: "ETIMEDOUT" },
  },
  {
    name: "no answer by the deadline",
    url: () => saying([], { end: false }),
    options: { deadlineMs: 150 },
    expected: { code: "ETIMEDOUT" },
  },
  { name: "hung up without an answer", url: () => saying([]), expected: { code: "ECONNRESET" } },
  { name: "no HTTP", url: () => saying(["SSH-2.0-x\r\n\r\n"]), expected: { code: /^HPE_/ } },
  { name: "a body that is cut", url: () => saying([HEAD, "12345"]), expected: { code: "ECONNRESET" }, inBody: true },
  {
    name: "a chunked body that is cut",
    url: () => saying([CHUNKED, "5\r\n12345\r\n"]),
    expected: { code: "ECONNRESET" },
    inBody: true,
  },
  {
    name: "silence in the body",
    url: () => saying([HEAD, "12345"], { end: false }),
    options: { idleMs: 150 },
    expected: { code: "ETIMEDOUT" },
    inBody: true,
  },
  {
    name: "a body that is too large",
    url: () => saying([HEAD, "1234567890"]),
    options: { maxBytes: 9 },
    expected: { code: "EFBIG" },
    inBody: true,
  },
  {
    name: "a signal that fires",
    url: () => saying([], { end: false }),
    options: { signal: AbortSignal.timeout(1_500) },
    expected: { name: "TimeoutError" },
  },
  {
    name: "a signal that has fired",
    url: () => saying([]),
    options: { signal: AbortSignal.abort(new Error("enough")) },
    expected: { message: "enough" },
  },
];

for (const { name, url, options, expected, inBody } of failures) {
  t.test(`a failure: ${name}`, async (t) => {
    const request = { ...quick, url: await url(), ...options };
    await t.rejects(http.request(request), expected);
    if (inBody) {
      const stream = await http.stream(request);
      t.equal(stream.status, 200);
      await t.rejects(readAll(stream.chunks), expected);
    } else await t.rejects(http.stream(request), expected);
  });
}

t.test("bytes that keep coming are no silence, but the deadline holds", async (t) => {
  const pieces = [HEAD, ..."1234567890"];
  const url = await saying(pieces, { everyMs: 60 });
  t.equal((await http.request({ url, deadlineMs: 5_000, idleMs: 200 })).text, "1234567890");
  await t.rejects(http.request({ url, deadlineMs: 300, idleMs: 200 }), { code: "ETIMEDOUT" });
  const stream = await http.stream({ url, deadlineMs: 300, idleMs: 200 });
  t.equal(await readAll(stream.chunks), "1234567890", "of a stream only the headers have a deadline");
});

t.test("a slow reader is no silent sender", async (t) => {
  const stream = await http.stream({ url: await saying([HEAD, "12345", "67890"]), deadlineMs: 1_000, idleMs: 150 });
  let text = "";
  for await (const chunk of stream.chunks) {
    text += Buffer.from(chunk).toString();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  t.equal(text, "1234567890");
});

t.test("a stream that is given up closes its connection", async (t) => {
  for (const way of ["close", "break", "signal"] as const) {
    const closed = Promise.withResolvers<void>();
    const server = createServer((_, response) => {
      response.on("close", closed.resolve);
      response.write("first");
    });
    const url = `http://127.0.0.1:${await listen(server)}/`;
    const stop = new AbortController();
    const stream = await http.stream({ ...quick, url, signal: stop.signal });
    if (way === "close") stream.close();
    const reading = (async () => {
      for await (const _ of stream.chunks) {
        if (way === "break") return;
        if (way === "signal") stop.abort(new Error("enough"));
      }
    })();
    if (way === "signal") await t.rejects(reading, { message: "enough" });
    else await reading.catch(() => undefined);
    await closed.promise;
    t.pass(way);
  }
});

t.test("TLS: who is trusted, and what a look at the certificate says", async (t) => {
  const authority = await issue({ name: "CN=Case CA" });
  const good = await issue({ name: "CN=localhost, O=Case", by: authority, dns: "localhost" });
  const expired = await issue({ name: "CN=localhost", by: authority, dns: "localhost", days: -1 });
  const elsewhere = await issue({ name: "CN=example.com", by: authority, dns: "example.com" });
  const own = await issue({ name: "CN=localhost", dns: "localhost" });
  const cases = [
    { server: good, ca: authority.cert, problem: null },
    { server: good, ca: own.cert, problem: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    { server: good, ca: undefined, problem: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    { server: expired, ca: authority.cert, problem: "CERT_HAS_EXPIRED" },
    { server: elsewhere, ca: authority.cert, problem: "ERR_TLS_CERT_ALTNAME_INVALID" },
    { server: own, ca: undefined, problem: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    { server: own, ca: own.cert, problem: null },
  ];
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  for (const { server, ca, problem } of cases) {
    const port = await listen(createTlsServer({ key: server.key, cert: server.cert }, echo));
    const request = { ...quick, url: `https://localhost:${port}/`, ...(ca && { ca }) };
    if (problem === null) t.equal((await http.request(request)).status, 200);
    else await t.rejects(http.request(request), { code: problem }, problem);
    const peer = await net.tls("localhost", port, { timeoutMs: 5_000, ...(ca && { ca }) });
    t.equal(peer.problem, problem);
    t.equal(peer.subject, server.name);
    t.equal(peer.issuer, server.issuer);
    t.equal(peer.expiresAt, server.expiresAt);
  }
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "1";
  const port = await listen(createTlsServer({ key: elsewhere.key, cert: elsewhere.cert }, echo));
  const named = await net.tls("127.0.0.1", port, { timeoutMs: 5_000, ca: authority.cert, servername: "example.com" });
  t.equal(named.problem, null, "the name that is asked for counts");
});

t.test("TLS: no handshake", async (t) => {
  const plain = Number(new URL(await saying(["HTTP/1.1 400 Bad Request\r\n\r\n"])).port);
  const silent = Number(new URL(await saying([], { end: false })).port);
  const hangsUp = Number(new URL(await saying([])).port);
  const look = (port: number) => net.tls("127.0.0.1", port, { timeoutMs: 300 });
  await t.rejects(look(1), { code: "ECONNREFUSED" });
  await t.rejects(look(silent), { code: "ETIMEDOUT" });
  await t.rejects(look(hangsUp), { code: "ECONNRESET" });
  await t.rejects(look(plain), { code: /^(ERR_SSL|EPROTO)/ });
});

interface Issued {
  readonly name: string;
  readonly issuer: string;
  readonly key: string;
  readonly cert: string;
  readonly expiresAt: number;
  readonly keys: webcrypto.CryptoKeyPair;
}

/** A certificate signed by another one, or by itself. */
async function issue({
  name,
  by,
  dns,
  days = 1,
}: {
  name: string;
  by?: Issued;
  dns?: string;
  days?: number;
}): Promise<Issued> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const expiresAt = Math.floor(Date.now() / 1_000) * 1_000 + days * 86_400_000;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "01",
    subject: name,
    issuer: by?.name ?? name,
    notBefore: new Date(Date.now() - 3 * 86_400_000),
    notAfter: new Date(expiresAt),
    signingKey: by?.keys.privateKey ?? keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(by === undefined),
      ...(dns === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: dns }])]),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  return { name, issuer: by?.name ?? name, key, cert: certificate.toString("pem"), expiresAt, keys };
}

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readState, setFaults } from "../control.ts";
import { parseGguf } from "../ollama/models/gguf.ts";
import { startOllama } from "../ollama/start-ollama.ts";
import { type Answer, call } from "../ollama/test-client.ts";
import type { RegistryFaults } from "./faults.ts";
import { GATEWAY_REPOSITORY, imageDigest } from "./image-registry.ts";
import { defaultModels, publish } from "./models.ts";
import { type Registry, type RegistryOptions, startRegistry } from "./start-registry.ts";

type Test = Pick<typeof t, "testdir" | "teardown">;

async function started(test: Test, options: RegistryOptions = {}): Promise<Registry> {
  const registry = await startRegistry(options);
  test.teardown(() => registry.close());
  return registry;
}

const LLAMA = "/v2/library/llama3";
const hash = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

t.test("published models are what their manifests say, everywhere the same", async (t) => {
  for (const spec of defaultModels) {
    const model = publish(spec);
    const manifest = JSON.parse(model.manifest) as { layers: { digest: string; size: number }[] };
    for (const blob of model.blobs) t.equal(hash(blob.read(0, blob.size)), blob.digest, spec.name);
    t.equal(manifest.layers[0]?.size, spec.bytes);
  }
  const [weights] = publish({ name: "mistral:instruct", bytes: 3_000_000 }).blobs.slice(1);
  t.equal(weights?.digest, "sha256:24a341a0671d93511710925c5214692628a4a523825477bfa5862eb1ba4bc146");
  t.match(parseGguf(weights?.read(0, 4096) ?? Buffer.alloc(0)), {
    "general.architecture": "llama",
    "llama.block_count": 32,
  });
  const whole = weights?.read(0, weights.size);
  for (const [start, end] of [
    [0, 10],
    [5, 1000],
    [700, 701],
    [1_234_567, 1_300_001],
    [2_999_990, 3_000_000],
  ]) {
    t.ok(
      weights?.read(Number(start), Number(end)).equals(whole?.subarray(start, end) ?? Buffer.alloc(0)),
      `${start}-${end}`,
    );
  }
  t.not(publish({ name: "a:b", bytes: 9000 }, 1).manifest, publish({ name: "a:b", bytes: 9000 }).manifest);
  t.equal(
    publish({ name: "c:d", bytes: 3000, seed: "s" }).blobs[1],
    publish({ name: "c:d", bytes: 3000, seed: "s" }).blobs[1],
  );
});

t.test("paths", async (t) => {
  const registry = await started(t);
  const blob = publish({ name: "llama3:8b", bytes: 2_000_000, family: "llama", parameters: "8.0B", context: 8192 })
    .blobs[1];
  const cases = [
    { method: "GET", path: `${LLAMA}/manifests/8b`, status: 200, type: /manifest\.v2\+json/ },
    { method: "GET", path: "/v2/bartowski/Mistral-7B-Instruct-v0.3-GGUF/manifests/Q4_K_M", status: 200 },
    { method: "GET", path: `${LLAMA}/manifests/70b`, status: 404 },
    { method: "HEAD", path: `${LLAMA}/blobs/${blob?.digest}`, status: 200, type: /octet-stream/ },
    { method: "GET", path: `${LLAMA}/blobs/sha256:${"0".repeat(64)}`, status: 404 },
    { method: "GET", path: `${LLAMA}/tags/list`, status: 404 },
    { method: "GET", path: "/v2/_catalog", status: 404 },
    { method: "GET", path: "/releases/0.1/x", status: 404 },
  ];
  for (const { method, path, status, type } of cases) {
    const answer = await call(method, registry.url + path);
    t.equal(answer.status, status, path);
    if (type !== undefined) t.match(answer.type, type);
  }
  t.same(
    registry.seen.map(({ path }) => path),
    cases.map(({ path }) => path),
  );
});

t.test("files in ranges", async (t) => {
  const releases = t.testdir({ "0.32.15": { "sha256sum.txt": "0123456789" } });
  const registry = await started(t, { releases });
  const cases = [
    { range: undefined, status: 200, text: "0123456789" },
    { range: "bytes=0-3", status: 206, text: "0123" },
    { range: "bytes=4-", status: 206, text: "456789" },
    { range: "bytes=8-99", status: 206, text: "89" },
    { range: "bytes=10-", status: 416, text: "" },
  ];
  for (const { range, status, text } of cases) {
    for (const path of ["/releases/0.32.15/", "/releases/download/v0.32.15/"]) {
      const headers: Record<string, string> = range === undefined ? {} : { range };
      const answer = await call("GET", `${registry.url}${path}sha256sum.txt`, { headers });
      t.same([answer.status, answer.text], [status, text], `${path} ${range}`);
    }
  }
  t.equal((await call("GET", `${registry.url}/releases/../package.json`)).status, 404);
});

t.test("what can go wrong on the way", async (t) => {
  const releases = t.testdir({ "1": { file: "x".repeat(100_000) } });
  const registry = await started(t, { releases });
  const url = `${registry.url}/releases/1/file`;
  const cases: { faults: Partial<RegistryFaults>; holds: (answer: Answer) => boolean }[] = [
    { faults: { cutAfterBytes: 1000 }, holds: (answer) => answer.broken && answer.text.length === 1000 },
    { faults: { endAfterBytes: 1000 }, holds: (answer) => !answer.broken && answer.text.length === 1000 },
    { faults: { corrupt: true }, holds: (answer) => answer.status === 200 && answer.text !== "x".repeat(100_000) },
    { faults: { status: { "/releases": 503 } }, holds: (answer) => answer.status === 503 },
    { faults: {}, holds: (answer) => answer.text === "x".repeat(100_000) },
  ];
  for (const { faults, holds } of cases) {
    registry.faults.replace(faults);
    t.ok(holds(await call("GET", url)), JSON.stringify(faults));
  }
  registry.faults.replace({ cutAfterBytes: 10, times: 1 });
  t.same([(await call("GET", url)).broken, (await call("GET", url)).broken], [true, false]);
  for (const faults of [{ stallAfterBytes: 500 }, { hang: ["/releases"] }]) {
    registry.faults.replace(faults);
    let seen = 0;
    const onData = (text: string): void => {
      seen += text.length;
    };
    await call("GET", url, { signal: AbortSignal.timeout(100), onData }).catch(() => undefined);
    t.equal(seen, "hang" in faults ? 0 : 500);
  }
  registry.faults.replace({ bytesPerSecond: 200_000 });
  const start = Date.now();
  await call("GET", url);
  t.ok(Date.now() - start >= 400, "100 kB at 200 kB/s");
});

t.test("over TLS, with and without trust", async (t) => {
  const folder = t.testdir();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const pair = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...pair, ...subject], { stdio: "ignore" });
  const secure = await started(t, { tls: { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") } });
  const plain = await started(t);
  const ollama = await startOllama({ home: join(folder, "home") });
  t.teardown(() => ollama.close());
  const cases = [
    { at: secure, error: /tls: failed to verify certificate: x509: certificate signed by unknown authority$/ },
    { at: plain, error: /http: server gave HTTP response to HTTPS client$/ },
  ];
  for (const { at, error } of cases) {
    const body = { model: `127.0.0.1:${at.port}/library/llama3:8b` };
    const answer = await call("POST", `${ollama.url}/api/pull`, { body });
    t.match(answer.lines.at(-1)?.error, error);
  }
});

t.test("container images: a token first, tags in pages, a digest per tag", async (t) => {
  const registry = await started(t);
  const list = `${registry.url}/v2/${GATEWAY_REPOSITORY}/tags/list?n=3`;
  const refused = await ask("GET", list);
  t.equal(refused.status, 401);
  const challenge = refused.headers["www-authenticate"];
  t.equal(
    challenge,
    `Bearer realm="${registry.url}/jwt/auth",service="container_registry",scope="repository:${GATEWAY_REPOSITORY}:pull"`,
  );
  const { token } = (await call("GET", `${registry.url}/jwt/auth?service=container_registry`)).json;
  const headers = { authorization: `Bearer ${token}` };
  const tags: string[] = [];
  let pages = 0;
  for (let next: string | undefined = list; next !== undefined; pages++) {
    const page = await ask("GET", next, headers);
    tags.push(...(JSON.parse(page.text) as { tags: string[] }).tags);
    const link = /^<([^>]+)>; rel="next"$/.exec(page.headers.link ?? "")?.[1];
    next = link === undefined ? undefined : new URL(link, registry.url).href;
  }
  t.equal(pages, 3);
  t.equal(tags.length, 8);
  t.ok(tags.includes("self-hosted-v18.8.10-ee"));
  const manifest = (tag: string): string => `${registry.url}/v2/${GATEWAY_REPOSITORY}/manifests/${tag}`;
  const digest = async (): Promise<string | undefined> =>
    (await ask("HEAD", manifest("self-hosted-v18.8.1-ee"), headers)).headers["docker-content-digest"];
  const first = await digest();
  t.equal(first, imageDigest(GATEWAY_REPOSITORY, "self-hosted-v18.8.1-ee"));
  const body = await ask("GET", manifest(String(first)), headers);
  t.equal(hash(Buffer.from(body.text)), first, "the digest is that of the manifest");
  registry.faults.replace({ images: { [GATEWAY_REPOSITORY]: { "self-hosted-v18.8.1-ee": 2 } } });
  t.not(await digest(), first, "published anew under the same tag");
  t.equal((await ask("HEAD", manifest("self-hosted-v18.8.0-ee"), headers)).status, 404);
});

t.test("as a process, told by its socket", async (t) => {
  const folder = t.testdir();
  const control = join(folder, "c.sock");
  const options = join(folder, "options.json");
  writeFileSync(options, JSON.stringify({ models: [{ name: "tiny:1b", bytes: 3000 }] }));
  const env = { STAND_IN_LISTEN: "127.7.7.8:0", STAND_IN_CONTROL: control, STAND_IN_OPTIONS: options };
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts")], { env });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const url = /http:\S+/.exec(line.toString())?.[0] ?? "";
  t.equal((await call("GET", `${url}/v2/library/tiny/manifests/1b`)).status, 200);
  await setFaults(control, { manifestStatus: 412 });
  t.match((await call("GET", `${url}/v2/library/tiny/manifests/1b`)).text, "requires a newer version of Ollama");
  t.match(await readState(control), { seen: [{ path: "/v2/library/tiny/manifests/1b" }, { method: "GET" }] });
  child.kill("SIGTERM");
  t.same(await once(child, "exit"), [0, null]);
});

async function ask(
  method: string,
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Record<string, string> }> {
  const response = await fetch(url, { method, headers });
  return { status: response.status, text: await response.text(), headers: Object.fromEntries(response.headers) };
}

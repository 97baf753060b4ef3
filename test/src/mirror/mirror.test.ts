import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { request as tlsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { agentCall } from "@fettle/agent/link/agent-call.ts";
import { enrol } from "@fettle/agent/link/enrol.ts";
import type { Identity } from "@fettle/agent/store/identity.ts";
import { systemClock } from "@fettle/coordinator/clock.ts";
import { Mirror } from "@fettle/coordinator/mirror/mirror.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import { OLLAMA_ARCHIVES } from "@fettle/shared/roles/ollama-archives.ts";
import t from "tap";
import { EXAMPLE } from "../coordinator/bench.ts";
import { legacyImage, makeModel, ociImage, REFERENCE, sha256Of, tarOf } from "./archives.ts";
import { type MirrorBench, mirrorBench } from "./coordinator-bench.ts";

const HOST = "127.77.0.3";

async function put(bench: MirrorBench, name: string, content: string | Buffer): Promise<string> {
  const path = join(bench.folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** An Ollama's models folder. */
async function putModel(bench: MirrorBench, folder: string, model: string, tag: string, bytes?: number) {
  const made = makeModel(model, bytes);
  await put(bench, `${folder}/manifests/registry.ollama.ai/library/${model}/${tag}`, made.manifest);
  for (const blob of made.blobs) await put(bench, `${folder}/blobs/sha256-${sha256Of(blob)}`, blob);
  return made;
}

t.test("the gateway's image: in, served, out", async (t) => {
  const bench = await mirrorBench(t);
  const image = ociImage({ nested: true });
  const bytes = await tarOf(image.entries);
  const path = await put(bench, "gateway.tar", bytes);
  const added = await bench.fettle("mirror", "add", "gateway", path, "--reference", REFERENCE);
  t.match(added, { status: 0, text: `its image's id: sha256:${image.imageId}` });
  t.same(bench.context.mirror.items, [
    { kind: "gateway", name: REFERENCE, sha256: sha256Of(bytes), size: bytes.length, imageId: image.imageId },
  ]);
  t.equal(bench.context.mirror.holdsProducts, true);
  t.match(await bench.fettle("mirror", "list"), { status: 0, text: REFERENCE });
  const again = await bench.fettle("mirror", "add", "gateway", path, "--reference", REFERENCE);
  t.equal(again.status, 0, "again is no change");
  t.equal(bench.context.mirror.items.length, 1);
  t.match(await bench.fettle("mirror", "remove", "gateway", REFERENCE), { status: 0, text: "freed" });
  t.same(await bench.files(), []);
  t.match(await bench.fettle("mirror", "remove", "gateway", REFERENCE), {
    status: 1,
    text: "The mirror has no gateway",
  });
});

t.test("what is not what it should be is refused, and nothing of it stays", async (t) => {
  const bench = await mirrorBench(t);
  const other = REFERENCE.replace("v18.8.3", "v18.8.2");
  const path = await put(bench, "gateway.tar", await tarOf(legacyImage().entries));
  const sum = "0".repeat(64);
  const x64 = must(OLLAMA_ARCHIVES["0.32.15"], "a known version").x64;
  const cases: readonly { args: string[]; says: RegExp }[] = [
    { args: ["gateway", path, "--reference", other], says: /not the image .*v18\.8\.2/ },
    { args: ["gateway", path, "--reference", REFERENCE, "--image-id", `sha256:${sum}`], says: /its id is/ },
    { args: ["gateway", path, "--reference", REFERENCE, "--image-id", "12"], says: /64 hex digits/ },
    { args: ["gateway", join(bench.folder, "none.tar"), "--reference", REFERENCE], says: /cannot be read/ },
    { args: ["ollama", path, "--version", "0.32.15"], says: new RegExp(`expected is ${x64}`) },
    { args: ["ollama", path, "--version", "0.32.15", "--sha256", sha256Of(await readFile(path))], says: /expected is/ },
    { args: ["ollama", path, "--version", "9.9.9"], says: /knows no sum/ },
    { args: ["ollama", path, "--version", "9.9.9", "--sha256", sum], says: /expected is 0000/ },
    { args: ["agent", path], says: /\.manifest cannot be read/ },
    { args: ["model", "mistral:instruct", "--from", bench.folder], says: /there is no manifests/ },
    { args: ["model", "../x", "--from", bench.folder], says: /no name of a model/ },
  ];
  for (const { args, says } of cases) {
    const done = await bench.fettle("mirror", "add", ...args);
    t.equal(done.status, 1, args.join(" "));
    t.match(done.text, says);
  }
  t.same(await bench.files(), []);
  t.same(bench.context.mirror.items, []);
});

t.test("Ollama's archive of a version that Fettle does not know needs the operator's sum", async (t) => {
  const bench = await mirrorBench(t);
  const path = await put(bench, "ollama.tar.zst", "archive");
  const sha256 = sha256Of("archive");
  const added = await bench.fettle(
    "mirror",
    "add",
    "ollama",
    path,
    "--version",
    "9.9.9",
    "--arch",
    "arm64",
    "--sha256",
    sha256,
  );
  t.match(added, { status: 0, text: /policy\.ollama\.archives .*"9\.9\.9": \{ arm64:/ });
  t.match(bench.context.mirror.items, [{ kind: "ollama", name: "9.9.9-arm64", sha256, size: 7 }]);
  t.equal(bench.context.mirror.holdsProducts, false);
});

t.test("a model from a folder and from a tar; a file of two models goes with the last", async (t) => {
  const bench = await mirrorBench(t);
  const made = await putModel(bench, "ollama/models", "mistral", "instruct");
  const added = await bench.fettle(
    "mirror",
    "add",
    "model",
    "mistral:instruct",
    "--from",
    join(bench.folder, "ollama"),
  );
  t.match(added, { status: 0, text: "model mistral:instruct" });
  const size = made.blobs.reduce((sum, blob) => sum + blob.length, 0);
  t.match(bench.context.mirror.items, [
    { kind: "model", name: "mistral:instruct", sha256: sha256Of(made.manifest), size },
  ]);
  t.equal((await bench.files()).length, 3);
  // The same files under another name, in a compressed tar with long names.
  const deep = `${"deep/".repeat(12)}models`;
  await putModel(bench, deep, "mistral", "copy");
  execFileSync("tar", ["-C", bench.folder, "-czf", join(bench.folder, "models.tar.gz"), deep]);
  const from = join(bench.folder, "models.tar.gz");
  t.match(await bench.fettle("mirror", "add", "model", "mistral:copy", "--from", from), { status: 0 });
  t.equal((await bench.files()).length, 3);
  t.equal((await bench.fettle("mirror", "remove", "model", "mistral:instruct")).status, 0);
  t.equal((await bench.files()).length, 3, "the other model has them still");
  t.match(await bench.fettle("mirror", "check"), { status: 0, text: "3 of 3 files are whole" });
  const [first = "", second = ""] = await bench.files();
  const blob = (name: string) => join(bench.folder, "data/mirror/blobs", name);
  await truncate(blob(first), 5);
  await writeFile(blob(second), Buffer.alloc((await stat(blob(second))).size));
  const checked = await bench.fettle("mirror", "check");
  t.match(checked, { status: 1, text: /1 of 3 files are whole/ });
  t.match(checked.text, /model mistral:copy/);
  await rm(blob(first));
  t.match(await bench.fettle("mirror", "check"), { status: 1, text: "it is not there" });
});

t.test("a model that is not whole, or whose file is another one", async (t) => {
  const bench = await mirrorBench(t);
  const made = await putModel(bench, "a", "mistral", "instruct");
  const weights = join(bench.folder, "a/blobs", `sha256-${sha256Of(must(made.blobs[1], "weights"))}`);
  const content = await readFile(weights);
  await writeFile(weights, Buffer.alloc(content.length));
  const add = () => bench.fettle("mirror", "add", "model", "mistral:instruct", "--from", join(bench.folder, "a"));
  t.match(await add(), { status: 1, text: "expected is" });
  t.same(await bench.files(), [], "nor does the file before it stay");
  await writeFile(weights, content.subarray(1));
  t.match(await add(), { status: 1, text: "299999 bytes, not 300000" });
  await rm(weights);
  t.match(await add(), { status: 1, text: "is missing" });
  t.same(await bench.files(), []);
  t.same(bench.context.mirror.items, []);
});

t.test(
  "the line that is pasted says --mirror where there is something that the machine has to consent to",
  async (t) => {
    const bench = await mirrorBench(t);
    const stack = await put(bench, "stack.yaml", EXAMPLE);
    t.match(await bench.fettle("apply", "-f", stack), { status: 0 });
    const line = async (node: string) => (await bench.fettle("token", "create", "--node", node)).text;
    t.notMatch(await line("gateway-1"), "--mirror");
    await putModel(bench, "ollama/models", "mistral", "instruct");
    await bench.fettle("mirror", "add", "model", "mistral:instruct", "--from", join(bench.folder, "ollama"));
    t.match(await line("gateway-1"), /sudo sh \S+ --mirror/);
    t.match(await line("ollama-1"), /sudo sh \S+ --mirror/);
    t.notMatch(await line("gitlab-1"), "--mirror");
  },
);

t.test("a release of the agent goes to the others, by its manifest", async (t) => {
  const bench = await mirrorBench(t);
  const archive = Buffer.from("an archive");
  const manifest = {
    product: "fettle-agent",
    version: "9.9.9",
    arch: "x64",
    size: archive.length,
    sha256: sha256Of(archive),
    minVersion: "0.1.0",
    wire: { oldest: 1, newest: 1 },
  };
  const name = "fettle-agent-9.9.9-linux-x64.tar.gz";
  const path = await put(bench, name, archive);
  const signed = (change: object) =>
    JSON.stringify({ manifest: JSON.stringify({ ...manifest, ...change }), signatures: [] });
  const refused: readonly [object, RegExp][] = [
    [{ sha256: "0".repeat(64) }, /expected is 0000/],
    [{ size: 3 }, /its manifest says 3/],
    [{ product: "fettle-coordinator" }, /it is a fettle-coordinator/],
    [{ version: "x" }, /not one of a release/],
  ];
  for (const [change, says] of refused) {
    await writeFile(`${path}.manifest`, signed(change));
    t.match(await bench.fettle("mirror", "add", "agent", path), { status: 1, text: says });
  }
  t.same(await bench.context.releases(), []);
  await writeFile(`${path}.manifest`, signed({}));
  t.match(await bench.fettle("mirror", "add", "agent", path), { status: 0, text: name });
  t.match(await bench.context.releases(), [{ manifest, path: join(bench.folder, "data/releases", name) }]);
  t.same(await bench.files(), [], "it lies with the releases");
});

t.test("an upload that is cut, too long or another file leaves nothing", async (t) => {
  const bench = await mirrorBench(t);
  const socketPath = join(bench.folder, "run/admin.sock");
  const sha256 = sha256Of("x");
  const send = (size: number, length: number) =>
    request({
      socketPath,
      method: "POST",
      path: `/v1/mirror/blobs/${sha256}?size=${size}`,
      headers: { "content-type": "application/octet-stream", "content-length": length },
    });
  const cut = send(5_000_000, 5_000_000);
  cut.on("error", () => undefined);
  cut.write(Buffer.alloc(3_000_000));
  while ((await bench.files()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  cut.destroy();
  while ((await bench.files()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  t.pass("nothing is left of a cut one");
  for (const [size, body, code] of [
    [1, "y", "mirror.sum-differs"],
    [1, "xx", "mirror.upload-cut"],
    [3, "x", "mirror.upload-cut"],
    [9e15, "x", "mirror.disk-full"],
  ] as const) {
    const sent = send(size, body.length);
    sent.end(body);
    const [response] = await once(sent, "response");
    t.match(await text(response), code, `${size} ${body}`);
  }
  t.same(await bench.files(), []);
  const large = Buffer.alloc(9_000_000, "large");
  const path = await put(bench, "large.tar.zst", large);
  const added = await bench.fettle("mirror", "add", "ollama", path, "--version", "9.9.9", "--sha256", sha256Of(large));
  t.equal(added.status, 0, "nine times the limit of other bodies");
});

t.test(
  "the next life: parts are gone, files that nothing names stay for a day, a spoiled list stops the start",
  async (t) => {
    const data = await mkdtemp(join(tmpdir(), "fettle-mirror-"));
    t.teardown(() => rm(data, { recursive: true, force: true }));
    const first = await Mirror.open({ data, clock: systemClock });
    const receive = async (content: string): Promise<string> => {
      const sha256 = sha256Of(content);
      await first.receive({ sha256, size: content.length }, Readable.from([Buffer.from(content)]));
      return sha256;
    };
    const [named, fresh, old] = [await receive("named"), await receive("fresh"), await receive("old")];
    await first.add({ kind: "ollama", version: "9.9.9", arch: "x64", sha256: named });
    const blobs = join(data, "mirror/blobs");
    const longAgo = new Date(Date.now() - 25 * 3_600_000);
    for (const sha256 of [named, old]) await utimes(join(blobs, sha256), longAgo, longAgo);
    await writeFile(join(data, "mirror/incoming/part"), "x");
    const next = await Mirror.open({ data, clock: systemClock });
    t.same(next.items, first.items);
    t.same((await readdir(blobs)).sort(), [named, fresh].sort());
    t.same(await readdir(join(data, "mirror/incoming")), []);
    await utimes(join(blobs, fresh), longAgo, longAgo);
    await next.add({ kind: "ollama", version: "9.9.8", arch: "x64", sha256: named });
    t.same(await readdir(blobs), [named], "and when something is added");
    await writeFile(join(data, "mirror/items.json"), "[{");
    await t.rejects(Mirror.open({ data, clock: systemClock }), { code: "mirror.unreadable" });
    t.same(await readdir(blobs), [named]);
  },
);

t.test("from elsewhere only an admin may, and a viewer may look", async (t) => {
  const bench = await mirrorBench(t);
  const ca = await readFile(join(bench.folder, "data/pki/ca.pem"), "utf8");
  const { token } = JSON.parse(
    (await bench.fettle("token", "create", "--api", "viewer", "--name", "v", "--json")).text,
  );
  const call = async (method: string, path: string, authorization: string) => {
    const headers = { authorization, "content-type": "application/octet-stream" };
    const sent = tlsRequest({ host: HOST, port: bench.apiPort, ca, servername: "localhost", method, path, headers });
    sent.end(method === "POST" ? "x" : undefined);
    const [response] = await once(sent, "response");
    response.resume();
    return response.statusCode;
  };
  const upload = `/v1/mirror/blobs/${sha256Of("x")}?size=1`;
  t.equal(await call("POST", upload, ""), 401);
  t.equal(await call("POST", upload, `Bearer ${token}`), 403);
  t.equal(await call("GET", "/v1/mirror", `Bearer ${token}`), 200);
  t.same(await bench.files(), []);
  await bench.context.mirror.receive({ sha256: sha256Of("x"), size: 1 }, Readable.from([Buffer.from("x")]));
  t.equal(await call("DELETE", upload, `Bearer ${token}`), 403);
  t.equal((await bench.files()).length, 1);
});

async function enrolled(bench: MirrorBench, node: string): Promise<Identity> {
  const { token } = await bench.context.pki.mint({ node, stack: "duo", roles: ["ollama"], by: "test" });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const answer = await enrol({
    coordinators: [{ host: HOST, apiPort: bench.apiPort, port: bench.agentPort }],
    identity: { key: async () => key, load: async () => null, save: async () => undefined },
    token,
    machineId: node,
    version: "0.1.0",
  });
  return { ...answer, key, expiresAt: Date.now() + 86_400_000 };
}

t.test("agents of any stack read what an item names, in ranges, and nothing else", async (t) => {
  const bench = await mirrorBench(t);
  const content = "0123456789";
  const sha256 = sha256Of(content);
  const path = await put(bench, "ollama.tar.zst", content);
  await bench.fettle("mirror", "add", "ollama", path, "--version", "9.9.9", "--sha256", sha256);
  const orphan = sha256Of("orphan");
  await bench.context.mirror.receive(
    { sha256: orphan, size: 6 },
    (async function* () {
      yield Buffer.from("orphan");
    })(),
  );
  const identity = await enrolled(bench, "ollama-7");
  const get = async (sum: string, range?: string, method: "GET" | "HEAD" = "GET") => {
    const headers = range === undefined ? {} : { range };
    const signal = AbortSignal.timeout(5_000);
    const address = { host: HOST, port: bench.agentPort, apiPort: bench.apiPort };
    const answer = await agentCall(address, identity, { method, path: `/v1/blobs/${sum}`, headers, signal });
    const { "content-range": part, "content-length": length } = answer.headers;
    return [answer.statusCode, part, length, answer.statusCode === 404 ? "" : await text(answer)];
  };
  t.same(await get(sha256), [200, undefined, "10", content]);
  t.same(await get(sha256, undefined, "HEAD"), [200, undefined, "10", ""]);
  t.same(await get(sha256, "bytes=3-"), [206, "bytes 3-9/10", "7", "3456789"]);
  t.same(await get(sha256, "bytes=2-4"), [206, "bytes 2-4/10", "3", "234"]);
  t.same(await get(sha256, "bytes=-2"), [206, "bytes 8-9/10", "2", "89"]);
  t.match(await get(sha256, "bytes=10-"), [416, "bytes */10"]);
  for (const other of [orphan, "0".repeat(64), "../items.json", `${sha256}/..`, ""]) t.match(await get(other), [404]);
});

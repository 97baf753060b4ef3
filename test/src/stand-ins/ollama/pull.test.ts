import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { RegistryFaults } from "../registry/faults.ts";
import { publish } from "../registry/models.ts";
import { type Registry, startRegistry } from "../registry/start-registry.ts";
import type { OllamaFaults } from "./faults.ts";
import { type StartedOllama, startOllama } from "./start-ollama.ts";
import { type Answer, call } from "./test-client.ts";

type Test = Pick<typeof t, "testdir" | "teardown">;

interface World {
  ollama: StartedOllama;
  registry: Registry;
  models: string;
  pull(model: string, more?: object, signal?: AbortSignal): Promise<Answer>;
}

async function world(test: Test, env: Record<string, string> = {}): Promise<World> {
  const home = test.testdir();
  const registry = await startRegistry();
  const ollama = await startOllama({ home, env, settings: { registry: registry.url } });
  test.teardown(async () => {
    ollama.close();
    await registry.close();
  });
  const pull: World["pull"] = (model, more = {}, signal) =>
    call("POST", `${ollama.url}/api/pull`, { body: { model, ...more }, ...(signal && { signal }) });
  return { ollama, registry, models: join(home, ".ollama", "models"), pull };
}

const statuses = (answer: Answer): unknown[] => answer.lines.map((line) => line.status ?? line.error);
const lastLine = (answer: Answer): Record<string, unknown> => answer.lines.at(-1) ?? {};
const blobFiles = (models: string): string[] => readdirSync(join(models, "blobs")).sort();

/** The weights of mistral:instruct, whose partial files the cases look at. */
const WEIGHTS = publish({ name: "mistral:instruct", bytes: 3_000_000 }).blobs[1]?.digest ?? "";
const WEIGHTS_FILE = WEIGHTS.replace(":", "-");

t.test("a pull brings every layer, in lines that show bytes", async (t) => {
  const { ollama, registry, models, pull } = await world(t);
  registry.faults.replace({ bytesPerSecond: 8_000_000 });
  const answer = await pull("mistral:instruct");
  t.equal(answer.status, 200);
  t.equal(answer.type, "application/x-ndjson");
  const seen = statuses(answer);
  t.equal(seen[0], "pulling manifest");
  t.same(seen.slice(-3), ["verifying sha256 digest", "writing manifest", "success"]);
  const progress = answer.lines.filter((line) => line.digest === WEIGHTS);
  t.ok(progress.length >= 3, `${progress.length} lines for the weights`);
  t.match(progress.at(-1), { status: `pulling ${WEIGHTS.slice(7, 19)}`, total: 3_000_000 });
  t.equal(blobFiles(models).length, 5);
  const tags = await call("GET", `${ollama.url}/api/tags`);
  t.match(tags.json, { models: [{ name: "mistral:instruct", details: { context_length: 32768, format: "gguf" } }] });
  const manifest = join(models, "manifests", "registry.ollama.ai", "library", "mistral", "instruct");
  t.match(readFileSync(manifest, "utf8"), WEIGHTS);
});

t.test("names go where they belong", async (t) => {
  const { registry, models, pull } = await world(t);
  const host = registry.url.slice("http://".length);
  const cases = [
    { name: "hf.co/bartowski/Mistral-7B-Instruct-v0.3-GGUF:Q4_K_M", at: "hf.co/bartowski" },
    { name: `${host}/library/llama3:8b`, at: `${host}/library/llama3/8b`, more: { insecure: true } },
    { name: `http://${host}/library/codellama:7b`, at: `${host}/library/codellama/7b`, more: { insecure: true } },
  ];
  for (const { name, at, more } of cases) {
    const answer = await pull(name, more);
    t.same(lastLine(answer), { status: "success" }, name);
    t.ok(existsSync(join(models, "manifests", at)), at);
  }
  const whole = await pull("mistral:instruct", { stream: false });
  t.same([whole.status, whole.json], [200, { status: "success" }], "without a stream only the end is said");
});

interface Failure {
  name: string;
  model?: string;
  registry?: Partial<RegistryFaults>;
  ollama?: Partial<OllamaFaults>;
  settings?: "no registry";
  error: string | RegExp;
}

const quick = { retryMs: 1, stallMs: 100 };

/** Each text that a client has to tell apart, by the cause that really makes it. */
const failures: Failure[] = [
  { name: "no such model", model: "nosuch:1b", error: "pull model manifest: file does not exist" },
  { name: "no such tag", model: "mistral:nosuch", error: "pull model manifest: file does not exist" },
  {
    name: "a newer Ollama is needed",
    registry: { manifestStatus: 412 },
    error: /^pull model manifest: 412: [\s\S]*requires a newer version of Ollama/,
  },
  { name: "registry in trouble", registry: { manifestStatus: 500 }, error: /^pull model manifest: 500: / },
  { name: "refused by a proxy", registry: { manifestStatus: 403 }, error: /^pull model manifest: 403: / },
  { name: "a proxy's page", registry: { manifestText: "<html>sign in</html>" }, error: /^pull model manifest: / },
  {
    name: "no name resolution",
    settings: "no registry",
    error:
      /^pull model manifest: Get "https:\/\/registry\.ollama\.ai\/v2\/.*": dial tcp: lookup registry\.ollama\.ai: no such host$/,
  },
  { name: "nobody there", model: "127.0.0.1:9/a/b:c", error: /dial tcp 127\.0\.0\.1:9: connect: connection refused$/ },
  { name: "time-out", ollama: { manifestError: "dial tcp 1.2.3.4:443: i/o timeout" }, error: /i\/o timeout$/ },
  {
    name: "intercepted TLS",
    ollama: { manifestError: "tls: x509: certificate signed by unknown authority" },
    error: /x509/,
  },
  { name: "a blob is gone", registry: { blobStatus: 404 }, error: "file does not exist" },
  { name: "blobs in trouble", registry: { blobStatus: 503 }, error: /^503: / },
  { name: "no Location", registry: { noLocation: true }, error: "http: no Location header in response" },
  { name: "transfers end early", registry: { endAfterBytes: 10 }, ollama: quick, error: "max retries exceeded: EOF" },
  {
    name: "transfers are cut at once",
    registry: { cutAfterBytes: 0 },
    ollama: quick,
    error: /^max retries exceeded: /,
  },
  {
    name: "wrong bytes",
    registry: { corrupt: true },
    error: /^digest mismatch, file must be downloaded again: want sha256:[0-9a-f]{64}, got sha256:/,
  },
  {
    name: "foreign realm",
    registry: { token: "foreign" },
    error: /realm host "elsewhere\.invalid" does not match original host "127\.0\.0\.1:\d+"$/,
  },
  { name: "any text", ollama: { pullError: "no space left on device" }, error: "no space left on device" },
  {
    name: "a full disk",
    ollama: { diskFullAfterBytes: 100_000 },
    error: /^write .*-partial: no space left on device$/,
  },
];

t.test("failures are status 200 with the error in the last line", async (t) => {
  for (const failure of failures) {
    await t.test(failure.name, async (t) => {
      const home = t.testdir();
      const registry = await startRegistry();
      const settings = failure.settings === "no registry" ? {} : { registry: registry.url };
      const ollama = await startOllama({ home, settings });
      t.teardown(async () => {
        ollama.close();
        await registry.close();
      });
      registry.faults.replace(failure.registry ?? {});
      ollama.setFaults(failure.ollama ?? {});
      const body = { model: failure.model ?? "mistral:instruct", insecure: failure.model?.includes("127") === true };
      const answer = await call("POST", `${ollama.url}/api/pull`, { body });
      t.equal(answer.status, 200);
      t.same(Object.keys(lastLine(answer)), ["error"]);
      t.match(lastLine(answer).error, failure.error);
      t.notOk(statuses(answer).includes("success"));
      const whole = await call("POST", `${ollama.url}/api/pull`, { body: { ...body, stream: false } });
      t.equal(whole.status, 500, "without a stream it is a 500");
      const tags = await call("GET", `${ollama.url}/api/tags`);
      t.same(tags.json, { models: [] }, "nothing is listed");
    });
  }
});

t.test("refused before the stream begins", async (t) => {
  const { ollama, registry, models } = await world(t);
  const cases = [
    { body: "", error: "missing request body" },
    { body: { model: "a b" }, error: "invalid model name" },
    { body: { model: "x/y/z/../a:b" }, error: "invalid model name" },
    { body: { model: "ns.dot/model" }, error: "invalid model name" },
  ];
  for (const { body, error } of cases) {
    const answer = await call("POST", `${ollama.url}/api/pull`, { body });
    t.same([answer.status, answer.json], [400, { error }]);
  }
  t.same(registry.seen, []);
  t.same(blobFiles(models), []);
});

t.test("a model that needs another engine", async (t) => {
  const registry = await startRegistry({
    models: [{ name: "mlx:1b", bytes: 10, extraLayer: "application/vnd.ollama.image.tensor" }],
  });
  const ollama = await startOllama({ home: t.testdir(), settings: { registry: registry.url } });
  t.teardown(async () => {
    ollama.close();
    await registry.close();
  });
  const answer = await call("POST", `${ollama.url}/api/pull`, { body: { model: "mlx:1b" } });
  t.match(lastLine(answer), { error: /^this model requires MLX support/ });
});

t.test("a token is fetched where one is asked for", async (t) => {
  const { registry, pull } = await world(t);
  registry.faults.replace({ token: "own" });
  t.same(lastLine(await pull("llama3:8b")), { status: "success" });
  t.ok(registry.seen.some(({ path }) => path === "/token"));
});

t.test("bytes may lie with another host", async (t) => {
  const { registry, pull } = await world(t);
  const store = await startRegistry({ host: "127.0.0.2" });
  t.teardown(() => store.close());
  registry.faults.replace({ redirectTo: store.url });
  t.same(lastLine(await pull("llama3:8b")), { status: "success" });
  t.ok(store.seen.every(({ method, range }) => method === "GET" && range !== undefined));
});

t.test("a cut is resumed where it was, in the same pull", async (t) => {
  const { ollama, registry, pull } = await world(t);
  registry.faults.replace({ cutAfterBytes: 1_000_000, times: 2 });
  ollama.setFaults(quick);
  t.same(lastLine(await pull("mistral:instruct")), { status: "success" });
  const ranges = registry.seen.filter(({ path, range }) => path.endsWith(WEIGHTS) && range).map(({ range }) => range);
  t.same(ranges, ["bytes=0-2999999", "bytes=1000000-2999999", "bytes=2000000-2999999"]);
});

t.test("closing the request stops the download, the next pull goes on from its bytes", async (t) => {
  const { registry, models, ollama } = await world(t);
  registry.faults.replace({ bytesPerSecond: 2_000_000 });
  const stop = new AbortController();
  const url = `${ollama.url}/api/pull`;
  const onData = (text: string): void => {
    if (/"completed":\d{6,}/.test(text)) stop.abort();
  };
  const body = { model: "mistral:instruct" };
  await call("POST", url, { body, signal: stop.signal, onData }).catch(() => undefined);
  const record = join(models, "blobs", `${WEIGHTS_FILE}-partial-0`);
  await until(() => Number(JSON.parse(readFileSync(record, "utf8")).Completed) > 0);
  t.equal(statSync(join(models, "blobs", `${WEIGHTS_FILE}-partial`)).size, 3_000_000, "whole size from the start");
  const { Completed } = JSON.parse(readFileSync(record, "utf8"));
  registry.faults.replace({});
  t.same(lastLine(await call("POST", url, { body })), { status: "success" });
  t.equal(registry.seen.filter(({ range }) => range !== undefined)[1]?.range, `bytes=${Completed}-2999999`);
  t.notOk(blobFiles(models).some((name) => name.includes("partial")));
});

t.test("several parts, several records", async (t) => {
  const { ollama, registry, models, pull } = await world(t);
  ollama.setFaults({ partBytes: 1_000_000, pullStallsAfterBytes: 400_000 });
  const stop = new AbortController();
  const pulled = pull("mistral:instruct", {}, stop.signal).catch(() => undefined);
  const records = (): string[] => blobFiles(models).filter((name) => name.startsWith(`${WEIGHTS_FILE}-partial-`));
  await until(() => records().length === 3 && registry.seen.filter(({ range }) => range).length === 3);
  stop.abort();
  await pulled;
  ollama.setFaults({ partBytes: 1_000_000 });
  t.same(lastLine(await pull("mistral:instruct")), { status: "success" });
});

t.test("records that went missing are not noticed before the end", async (t) => {
  const { ollama, models, pull } = await world(t);
  const record = (n: number): string => join(models, "blobs", `${WEIGHTS_FILE}-partial-${n}`);
  const completed = (n: number): number => Number(JSON.parse(readFileSync(record(n), "utf8")).Completed);
  ollama.setFaults({ partBytes: 1_000_000, pullStallsAfterBytes: 400_000 });
  const stop = new AbortController();
  const onData = (text: string): void => {
    // All three parts have some bytes.
    if (Number(/"completed":(\d+)/.exec(text)?.[1]) > 900_000) stop.abort();
  };
  const options = { body: { model: "mistral:instruct" }, signal: stop.signal, onData };
  await call("POST", `${ollama.url}/api/pull`, options).catch(() => undefined);
  await until(() => [0, 1, 2].every((n) => completed(n) > 0));
  rmSync(record(0));
  ollama.setFaults({});
  t.match(lastLine(await pull("mistral:instruct")), { error: /^remove .*-partial-0: no such file or directory$/ });
});

t.test("a stall is tried again for ever, and is over when the network is", async (t) => {
  const { ollama, registry, pull } = await world(t);
  registry.faults.replace({ stallAfterBytes: 0 });
  ollama.setFaults({ stallMs: 20 });
  const answer = pull("mistral:instruct");
  await until(() => registry.seen.filter(({ path, range }) => path.endsWith(WEIGHTS) && range).length > 8);
  registry.faults.replace({});
  t.same(lastLine(await answer), { status: "success" });
});

t.test("told to stall, it says the same count until it is told otherwise", async (t) => {
  const { ollama, pull } = await world(t);
  ollama.setFaults({ pullStallsAfterBytes: 1_000_000 });
  const answer = pull("mistral:instruct");
  setTimeout(() => ollama.setFaults({}), 600);
  const counts = (await answer).lines.filter((line) => line.digest === WEIGHTS).map((line) => Number(line.completed));
  t.ok(counts.length >= 3);
  // What comes after the stall may say more, when there is time for another line before the end.
  const standing = (count: number) => counts.filter((one) => one === count).length;
  const stood = counts.reduce((most, count) => (standing(count) > standing(most) ? count : most), 0);
  t.ok(standing(stood) >= 3, `${stood} was said ${standing(stood)} times`);
  t.ok(stood <= 1_000_000);
});

t.test("two pulls of one model share the download", async (t) => {
  const { registry, pull } = await world(t);
  registry.faults.replace({ bytesPerSecond: 6_000_000 });
  const both = await Promise.all([pull("mistral:instruct"), pull("mistral:instruct")]);
  t.same(both.map(lastLine), [{ status: "success" }, { status: "success" }]);
  t.equal(registry.seen.filter(({ path, range }) => path.endsWith(WEIGHTS) && range).length, 1);
});

t.test("a full disk leaves an empty record, after which every pull ends with EOF until it is removed", async (t) => {
  const { ollama, models, pull } = await world(t);
  ollama.setFaults({ diskFullAfterBytes: 100_000 });
  await pull("mistral:instruct");
  ollama.setFaults({});
  t.same(lastLine(await pull("mistral:instruct")), { error: "EOF" });
  t.same(lastLine(await pull("mistral:instruct")), { error: "EOF" });
  for (const name of blobFiles(models)) if (name.includes("-partial")) rmSync(join(models, "blobs", name));
  t.same(lastLine(await pull("mistral:instruct")), { status: "success" });
});

t.test("a blob that is there is trusted by its name; removed, it is repaired", async (t) => {
  const { models, pull } = await world(t);
  await pull("mistral:instruct");
  const file = join(models, "blobs", WEIGHTS_FILE);
  writeFileSync(file, "rotten");
  const again = await pull("mistral:instruct");
  t.match(again.lines[1], { digest: WEIGHTS, total: 6, completed: 6 });
  t.same(lastLine(again), { status: "success" });
  t.equal(readFileSync(file, "utf8"), "rotten");
  rmSync(file);
  await pull("mistral:instruct");
  t.equal(statSync(file).size, 3_000_000);
});

t.test("a new version of a tag removes the layers of the old one, unless pruning is off", async (t) => {
  for (const { env, left } of [
    { env: {}, left: 5 },
    { env: { OLLAMA_NOPRUNE: "1" }, left: 6 },
  ]) {
    const { registry, models, pull } = await world(t, env);
    await pull("mistral:instruct");
    registry.faults.replace({ revisions: { "mistral:instruct": 1 } });
    const answer = await pull("mistral:instruct");
    t.equal(statuses(answer).includes("removing unused layers"), left === 5);
    t.equal(blobFiles(models).length, left);
  }
});

t.test("the stream may just end", async (t) => {
  const { ollama, pull } = await world(t);
  ollama.setFaults({ pullJustEnds: true });
  const answer = await pull("codellama:7b");
  t.same(lastLine(answer), { status: "writing manifest" });
});

/** Waits for a state of the world; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  for (;;) {
    try {
      if (holds()) return;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

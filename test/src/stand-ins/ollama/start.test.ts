import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import t from "tap";
import { readState, setFaults } from "../control.ts";
import { installModel } from "../registry/install-model.ts";
import { keepAlive, readEnvironment } from "./config/environment.ts";
import { formatDuration } from "./config/go-values.ts";
import { connectable, parseHost, showHost } from "./config/host-address.ts";
import { isValid, parseName, showName } from "./models/model-name.ts";
import { install, pack } from "./pack.ts";
import { type StartOptions, startOllama } from "./start-ollama.ts";
import { call } from "./test-client.ts";

t.test("OLLAMA_HOST", async (t) => {
  const cases: [string, string][] = [
    ["", "http://127.0.0.1:11434"],
    ["1.2.3.4", "http://1.2.3.4:11434"],
    [":1234", "http://:1234"],
    ["1.2.3.4:1234", "http://1.2.3.4:1234"],
    ["example.com", "http://example.com:11434"],
    ["example.com:1234", "http://example.com:1234"],
    [":0", "http://:0"],
    [":66000", "http://:11434"],
    [":-1", "http://:11434"],
    ["[::1]", "http://[::1]:11434"],
    ["[::]", "http://[::]:11434"],
    ["::1", "http://[::1]:11434"],
    ["[::1]:1337", "http://[::1]:1337"],
    [" 1.2.3.4 ", "http://1.2.3.4:11434"],
    ['"1.2.3.4"', "http://1.2.3.4:11434"],
    [' " 1.2.3.4 " ', "http://1.2.3.4:11434"],
    ["'1.2.3.4'", "http://1.2.3.4:11434"],
    ["http://1.2.3.4", "http://1.2.3.4:80"],
    ["http://1.2.3.4:4321", "http://1.2.3.4:4321"],
    ["https://1.2.3.4", "https://1.2.3.4:443"],
    ["https://1.2.3.4:4321", "https://1.2.3.4:4321"],
    ["https://example.com/ollama", "https://example.com:443"],
    ["0.0.0.0", "http://0.0.0.0:11434"],
    ["1.2.3.4:http", "http://1.2.3.4:11434"],
  ];
  for (const [value, expected] of cases) t.equal(showHost(parseHost(value)), expected, JSON.stringify(value));
  t.equal(connectable(parseHost("0.0.0.0")).host, "127.0.0.1");
  t.equal(connectable(parseHost("[::]")).host, "::1");
  t.match(readEnvironment({ OLLAMA_HOST: ":66000" }).warnings, [{ msg: "invalid port, using default" }]);
});

t.test("durations", async (t) => {
  const minute = 60_000;
  const cases: [string, number][] = [
    ["", 5 * minute],
    ["1s", 1000],
    ["1h2m3s", 3_723_000],
    ["1.5h", 90 * minute],
    ["0", 0],
    ["-0", 0],
    ["60", minute],
    ["-1", Infinity],
    ["-1m", Infinity],
    ["???", 5 * minute],
    ["1d", 5 * minute],
    ["1m x", 5 * minute],
  ];
  for (const [text, ms] of cases) t.equal(keepAlive(text), ms, JSON.stringify(text));
  const timeouts: [string, number][] = [
    ["0", Infinity],
    ["-1", Infinity],
    ["10m", 10 * minute],
    ["", 5 * minute],
  ];
  for (const [text, ms] of timeouts) t.equal(readEnvironment({ OLLAMA_LOAD_TIMEOUT: text }).loadTimeout, ms, text);
  const shown: [number, string][] = [
    [300_000, "5m0s"],
    [3_600_000, "1h0m0s"],
    [1500, "1.5s"],
    [0.25, "250µs"],
    [0, "0s"],
    [Infinity, "2562047h47m16.854775807s"],
  ];
  for (const [ms, text] of shown) t.equal(formatDuration(ms), text);
});

t.test("other variables", async (t) => {
  const all = readEnvironment({
    OLLAMA_MODELS: "'/srv/models'",
    OLLAMA_NOPRUNE: "random",
    OLLAMA_NO_CLOUD: "0",
    OLLAMA_NUM_PARALLEL: "4",
    OLLAMA_MAX_QUEUE: "0x10",
    OLLAMA_CONTEXT_LENGTH: "8192",
  });
  t.match(all, {
    models: "/srv/models",
    noPrune: true,
    noCloud: false,
    numParallel: 4,
    maxQueue: 512,
    contextLength: 8192,
  });
  t.match(all.warnings, [{ fields: { key: "OLLAMA_MAX_QUEUE", value: "0x10", default: 512 } }]);
  t.equal(readEnvironment({ HOME: "/usr/share/ollama" }).models, "/usr/share/ollama/.ollama/models");
});

t.test("model names", async (t) => {
  const cases: [string, string, boolean][] = [
    ["mistral", "mistral:latest", true],
    ["mistral:instruct", "mistral:instruct", true],
    ["library/mistral:7b", "mistral:7b", true],
    ["me/mistral", "me/mistral:latest", true],
    ["hf.co/a/b:q4", "hf.co/a/b:q4", true],
    ["127.0.0.1:5000/a/b:c", "127.0.0.1:5000/a/b:c", true],
    ["https://h:5000/a/b", "h:5000/a/b:latest", true],
    ["a.b/c", "a.b/c:latest", false],
    ["a b", "a b:latest", false],
    ["", ":latest", false],
    ["a/b/../c", "a/b/../c:latest", false],
  ];
  for (const [text, shown, valid] of cases) {
    t.equal(showName(parseName(text)), shown, text);
    t.equal(isValid(parseName(text)), valid, text);
  }
});

t.test("the lines of a start", async (t) => {
  const home = t.testdir();
  const env = { OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1", HTTPS_PROXY: "http://p:3128" };
  const ollama = await startOllama({ home, env });
  t.teardown(() => ollama.close());
  const text = ollama.lines.join("\n");
  t.match(
    text,
    /level=INFO source=\S+ msg="server config" env="map\[CUDA_VISIBLE_DEVICES: .*HTTPS_PROXY:http:\/\/p:3128.*OLLAMA_HOST:http:\/\/127\.0\.0\.1:0 .*OLLAMA_KEEP_ALIVE:2562047h47m16\.854775807s.*\]"/,
  );
  t.match(text, 'msg="Ollama cloud disabled: true"');
  t.match(text, /msg="Listening on 127\.0\.0\.1:\d+ \(version 0\.32\.15\)"/);
  t.match(text, 'msg="inference compute" id=cpu library=cpu');
  t.match(text, 'msg="vram-based default context" total_vram="0 B" default_num_ctx=4096');
  await call("GET", `${ollama.url}/api/version?x=1`);
  t.match(
    ollama.lines.at(-1),
    /^\[GIN\] \d{4}\/\d\d\/\d\d - \d\d:\d\d:\d\d \| 200 \| +[\d.]+\S+ \| +127\.0\.0\.1 \| GET {6}"\/api\/version"$/,
  );
  t.match(readFileSync(join(home, ".ollama/id_ed25519"), "utf8"), /^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
  t.equal(statSync(join(home, ".ollama/id_ed25519")).mode & 0o777, 0o600);
});

t.test("the cards that are found, and those that are not", async (t) => {
  const T4 = { name: "Tesla T4", totalMiB: 14_950, driver: "570.158", compute: 7.5 };
  const cases = [
    { gpu: T4, line: 'library=CUDA compute=7.5 name=CUDA0 description="Tesla T4"', context: 4096, vram: true },
    { gpu: { ...T4, totalMiB: 24_000 }, line: "library=CUDA", context: 32_768, vram: true },
    { gpu: { ...T4, totalMiB: 81_000 }, line: "library=CUDA", context: 262_144, vram: true },
    {
      gpu: { ...T4, driver: "535.54" },
      line: 'msg="NVIDIA driver too old" required_driver="550 or newer"',
      context: 4096,
    },
    { gpu: { ...T4, compute: 6.1, driver: "560.35" }, line: 'required_driver="570 or newer"', context: 4096 },
    { gpu: { ...T4, fails: "timeout" as const }, line: "GPU discovery watchdog timed out", context: 4096 },
    { gpu: { ...T4, fails: "init" as const }, line: "failed to initialize CUDA", context: 4096 },
    { gpu: T4, env: { CUDA_VISIBLE_DEVICES: "-1" }, line: "user overrode visible devices", context: 4096 },
  ];
  for (const { gpu, env, line, context, vram } of cases) {
    const home = t.testdir();
    const control = join(home, "control.sock");
    await setFaults(control, { gpu });
    installModel(join(home, ".ollama/models"), { name: "mistral:instruct", bytes: 5000 });
    const ollama = await startOllama({ home, settings: { control }, ...(env && { env }) });
    const text = ollama.lines.join("\n");
    t.match(text, line);
    t.match(text, `default_num_ctx=${context}`);
    t.equal(text.includes("library=cpu"), vram !== true);
    await call("POST", `${ollama.url}/api/generate`, {
      body: { model: "mistral:instruct", options: { num_ctx: 2048 } },
    });
    const ps = await call("GET", `${ollama.url}/api/ps`);
    const [entry] = ps.json.models as { size: number; size_vram: number }[];
    t.equal(entry?.size_vram, vram ? entry?.size : 0);
    ollama.close();
  }
});

t.test("too much context spills over to the processor without a word", async (t) => {
  const home = t.testdir();
  const control = join(home, "control.sock");
  await setFaults(control, { gpu: { name: "T4", totalMiB: 8000, driver: "570", compute: 7.5 } });
  installModel(join(home, ".ollama/models"), { name: "big:7b", bytes: 5000, context: 131_072 });
  const ollama = await startOllama({ home, settings: { control }, env: { OLLAMA_CONTEXT_LENGTH: "131072" } });
  t.teardown(() => ollama.close());
  await call("POST", `${ollama.url}/api/generate`, { body: { model: "big:7b" } });
  const [entry] = (await call("GET", `${ollama.url}/api/ps`)).json.models as { size: number; size_vram: number }[];
  t.ok(Number(entry?.size_vram) > 0 && Number(entry?.size_vram) < Number(entry?.size));
});

t.test("starts that fail", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.teardown(() => taken.close());
  const { port } = taken.address() as { port: number };
  const home = t.testdir({ file: "", good: {} });
  const cases: (Omit<StartOptions, "home"> & { home?: string; error: string | RegExp })[] = [
    { env: { OLLAMA_HOST: `127.0.0.1:${port}` }, error: `listen tcp 127.0.0.1:${port}: bind: address already in use` },
    {
      env: { OLLAMA_HOST: "192.0.2.1:11434" },
      error: "listen tcp 192.0.2.1:11434: bind: cannot assign requested address",
    },
    { env: { HOME: "" }, error: "$HOME is not defined" },
    { home: join(home, "file"), error: /^could not create directory mkdir .*: not a directory$/ },
    {
      env: { OLLAMA_MODELS: join(home, "file/models") },
      error: /^mkdir .*: not a directory: ensure path elements are traversable$/,
    },
  ];
  for (const { env, error, home: at } of cases) {
    await t.rejects(startOllama({ home: at ?? join(home, "good"), ...(env && { env }) }), { message: error });
  }
});

t.test("all interfaces are both families", async (t) => {
  const ollama = await startOllama({ home: t.testdir(), env: { OLLAMA_HOST: "0.0.0.0:0" } });
  t.teardown(() => ollama.close());
  const line = ollama.lines.find((one) => one.includes("Listening on")) ?? "";
  const port = /:(\d+) \(/.exec(line)?.[1];
  t.match(line, /Listening on (\[::\]|0\.0\.0\.0):\d+ /);
  const answer = await call("GET", `http://127.0.0.1:${port}/`, { headers: { host: "anything.example.com" } });
  t.equal(answer.status, 200, "no host is checked there");
});

t.test("the prune at the start", async (t) => {
  const hour = 3600;
  const old = Date.now() / 1000 - 2 * hour;
  const orphan = `sha256-${"a".repeat(64)}`;
  const partial = `sha256-${"b".repeat(64)}-partial`;
  const fresh = `sha256-${"c".repeat(64)}`;
  const cases = [
    { name: "old orphans and partials go, young ones stay", env: {}, gone: [orphan, partial], stay: [fresh] },
    { name: "OLLAMA_NOPRUNE", env: { OLLAMA_NOPRUNE: "1" }, gone: [], stay: [orphan, partial, fresh] },
    { name: "a broken manifest stops it", broken: true, env: {}, gone: [], stay: [orphan, partial, fresh] },
  ];
  for (const { name, env, gone, stay, broken } of cases) {
    const home = t.testdir();
    const models = join(home, ".ollama/models");
    installModel(models, { name: "mistral:instruct", bytes: 5000 });
    const blobs = join(models, "blobs");
    for (const file of [orphan, partial, fresh]) writeFileSync(join(blobs, file), "x");
    for (const file of readdirSync(blobs)) if (file !== fresh) utimesSync(join(blobs, file), old, old);
    if (broken) writeFileSync(join(models, "manifests/registry.ollama.ai/library/mistral/broken"), "");
    const ollama = await startOllama({ home, env });
    for (const file of gone) t.notOk(existsSync(join(blobs, file)), name);
    for (const file of stay) t.ok(existsSync(join(blobs, file)), name);
    t.equal(
      ollama.lines.some((line) => line.includes("corrupt manifests detected")),
      broken === true,
    );
    const tags = await call("GET", `${ollama.url}/api/tags`);
    t.equal((tags.json.models as unknown[]).length, 1, "a model that is named keeps its blobs");
    ollama.close();
  }
});

t.test("the cloud, and who said no", async (t) => {
  const no = JSON.stringify({ disable_ollama_cloud: true });
  const cases = [
    { env: {}, files: {}, cloud: { disabled: false, source: "none" } },
    { env: { OLLAMA_NO_CLOUD: "1" }, files: {}, cloud: { disabled: true, source: "env" } },
    { env: {}, files: { ".ollama": { "server.json": no } }, cloud: { disabled: true, source: "config" } },
    {
      env: { OLLAMA_NO_CLOUD: "1" },
      files: { ".ollama": { "server.json": no } },
      cloud: { disabled: true, source: "both" },
    },
  ];
  for (const { env, files, cloud } of cases) {
    const ollama = await startOllama({ home: t.testdir(files), env });
    t.same((await call("GET", `${ollama.url}/api/status`)).json, { cloud });
    ollama.close();
  }
});

t.test("faults outlive a restart, and a wrong one changes nothing", async (t) => {
  const home = t.testdir();
  const control = join(home, "run", "control.sock");
  await setFaults(control, { tagsFail: 500 });
  for (let starts = 0; starts < 2; starts++) {
    const ollama = await startOllama({ home, settings: { control } });
    t.equal((await call("GET", `${ollama.url}/api/tags`)).status, 500);
    await t.rejects(setFaults(control, { tagsFail: "soon" }), /400 .*tagsFail.* wants a number/);
    t.match(await readState(control), { version: "0.32.15", requests: { "GET /api/tags": 1 }, loaded: [] });
    ollama.close();
  }
});

t.test("a start may fail or be slow", async (t) => {
  const home = t.testdir();
  const control = join(home, "control.sock");
  await setFaults(control, { startFails: "fork/exec: resource temporarily unavailable" });
  await t.rejects(startOllama({ home, settings: { control } }), /fork\/exec/);
  await setFaults(control, {});
});

t.test("the packed release, run as the service is", { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const control = join(folder, "control.sock");
  const packed = await pack({
    folder,
    version: "0.33.0",
    node: process.execPath,
    settings: { STAND_IN_CONTROL: control },
  });
  t.match(readFileSync(packed.sums, "utf8"), /^[0-9a-f]{64} {2}\.\/ollama-linux-amd64\.tar\.zst\n$/);
  const prefix = join(folder, "usr local");
  mkdirSync(prefix);
  t.equal((await run("tar", ["--zstd", "-xf", packed.archive, "-C", prefix], {})).code, 0);
  const program = join(prefix, "bin", "ollama");
  const env = { HOME: folder, OLLAMA_HOST: "127.7.7.7:21434", PATH: process.env.PATH ?? "" };
  installModel(join(folder, ".ollama/models"), { name: "mistral:instruct", bytes: 5000 });

  const alone = await run(program, ["--version"], env);
  t.match(
    alone.out,
    /^Warning: could not connect to a running Ollama instance\nWarning: client version is 0\.33\.0\n$/,
  );
  t.match(await run(program, ["list"], env), { code: 1, err: /could not connect to ollama server/ });
  const child = spawn(program, ["serve"], { env, stdio: "ignore" });
  const url = "http://127.7.7.7:21434";
  await answers(url);
  const environ = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
  t.ok(environ.includes("OLLAMA_HOST=127.7.7.7:21434"), "the main process has the service's environment");
  t.match((await run(program, ["-v"], env)).out, /^ollama version is 0\.33\.0\n$/);
  t.match((await run(program, ["list"], env)).out, /^NAME\nmistral:instruct\n$/);
  t.match(await run(program, ["pull", "nothing"], env), { code: 1, out: "", err: /^Error: \S/ });
  t.match(await run(program, ["serve"], env), {
    code: 1,
    err: /Error: listen tcp 127\.7\.7\.7:21434: bind: address already in use\n$/,
  });
  t.match(await readState(control), { pid: child.pid }, "the second copy left the control socket alone");

  await call("POST", `${url}/api/generate`, { body: { model: "mistral:instruct" } });
  const { loaded } = (await readState(control)) as { loaded: { pid: number }[] };
  const runner = loaded[0]?.pid ?? 0;
  const idle = ticks(runner);
  await setFaults(control, { tokenMs: 20, answerTokens: 50 });
  await call("POST", `${url}/api/generate`, { body: { model: "mistral:instruct", prompt: "hi" } });
  const used = ticks(runner) - idle;
  t.ok(used >= 5, `${used} ticks of 10 ms in a second of inference`);

  rmSync(join(prefix, "lib"), { recursive: true });
  await call("POST", `${url}/api/generate`, { body: { model: "mistral:instruct", keep_alive: 0 } });
  const broken = await call("POST", `${url}/api/generate`, { body: { model: "mistral:instruct" } });
  t.match(broken.json.error, /^llama-server binary not found/);
  child.kill("SIGTERM");
  t.same(await once(child, "exit"), [0, null]);
  t.notOk(existsSync(`/proc/${runner}`), "no child is left");
});

t.test("the same release, already installed", async (t) => {
  const prefix = join(t.testdir(), "usr/local");
  await install(prefix, { version: "0.30.1", node: process.execPath });
  const env = { HOME: prefix, OLLAMA_HOST: "127.7.7.7:21435" };
  const ran = await run(join(prefix, "bin/ollama"), ["-v"], env);
  t.match(ran.out, /Warning: client version is 0\.30\.1\n$/);
  t.ok(existsSync(join(prefix, "lib/ollama/libggml-base.so")));
});

interface Ran {
  code: number | null;
  out: string;
  err: string;
}

async function run(program: string, args: string[], env: Record<string, string>): Promise<Ran> {
  const child = spawn(program, args, { env: { PATH: process.env.PATH ?? "", ...env } });
  const ran: Ran = { code: null, out: "", err: "" };
  child.stdout.on("data", (piece) => {
    ran.out += piece;
  });
  child.stderr.on("data", (piece) => {
    ran.err += piece;
  });
  const [code] = await once(child, "close");
  return { ...ran, code };
}

/** Processor time of a process so far, in ticks of 10 ms. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function answers(url: string): Promise<void> {
  for (;;) {
    const there = await call("GET", url).then(
      () => true,
      () => false,
    );
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { installModel } from "../registry/install-model.ts";
import type { Answer } from "./test-client.ts";
import { LLAMA, load, MISTRAL, question, until, type World, world } from "./test-world.ts";

t.test("small answers", async (t) => {
  const { ask } = await world(t);
  const cases = [
    { method: "GET", path: "/", status: 200, text: "Ollama is running" },
    { method: "HEAD", path: "/", status: 200, text: "" },
    { method: "GET", path: "/api/version", status: 200, text: '{"version":"0.32.15"}' },
    { method: "HEAD", path: "/api/tags", status: 200, text: "" },
    { method: "GET", path: "/api/ps", status: 200, text: '{"models":[]}' },
    { method: "GET", path: "/api/status", status: 200, text: '{"cloud":{"disabled":false,"source":"none"}}' },
    { method: "GET", path: "/api/nothing", status: 404, text: "404 page not found" },
    { method: "GET", path: "/api/pull", status: 405, text: "405 method not allowed" },
    { method: "POST", path: "/api/tags", status: 405, text: "405 method not allowed" },
  ];
  for (const { method, path, status, text } of cases) {
    const answer = await ask(method, path);
    t.same([answer.status, answer.text], [status, text], `${method} ${path}`);
  }
});

t.test("refusals say what the real ones say", async (t) => {
  const { ask } = await world(t);
  const missing = (model: string): object => ({ error: `model '${model}' not found` });
  const cases = [
    { path: "/api/show", body: { model: "nosuch" }, status: 404, json: missing("nosuch") },
    { path: "/api/generate", body: { model: "nosuch" }, status: 404, json: missing("nosuch") },
    { path: "/api/generate", body: "", status: 400, json: { error: "missing request body" } },
    { path: "/api/generate", body: { model: "x:cloud", prompt: "a" }, status: 401, json: { error: "unauthorized" } },
    { path: "/api/show", body: {}, status: 400, json: { error: "model is required" } },
    {
      path: "/api/copy",
      body: { source: "a b", destination: "c" },
      status: 400,
      json: { error: 'source "a b" is invalid' },
    },
    {
      path: "/api/copy",
      body: { source: "nosuch", destination: "c" },
      status: 404,
      json: { error: 'model "nosuch" not found' },
    },
    {
      path: "/api/generate",
      body: { model: "llama3:8b", keep_alive: "1d" },
      status: 400,
      json: { error: 'time: invalid duration "1d"' },
    },
    {
      path: "/v1/chat/completions",
      body: { ...question, model: "nosuch" },
      status: 404,
      json: { error: { message: "model 'nosuch' not found", type: "not_found_error", param: null, code: null } },
    },
    {
      path: "/v1/chat/completions",
      body: { model: "llama3:8b" },
      status: 400,
      json: { error: { type: "invalid_request_error" } },
    },
  ];
  for (const { path, body, status, json } of cases) {
    const answer = await ask("POST", path, body);
    t.equal(answer.status, status, path);
    t.match(answer.json, json, `${path} ${JSON.stringify(body)}`);
  }
  const gone = await ask("DELETE", "/api/delete", { model: "nosuch" });
  t.same([gone.status, gone.json], [404, missing("nosuch")]);
});

t.test("what is on disk is what is listed, at once", async (t) => {
  const { ollama, models, ask } = await world(t, {}, [MISTRAL]);
  const names = async (): Promise<unknown> =>
    ((await ask("GET", "/api/tags")).json.models as { name: string }[]).map(({ name }) => name).sort();
  t.same(await names(), ["mistral:instruct"]);
  installModel(models, LLAMA);
  installModel(models, { name: "hf.co/a/b:q4", bytes: 5000, parameters: "1.1B" });
  t.same(await names(), ["hf.co/a/b:q4", "llama3:8b", "mistral:instruct"]);
  const ids = ((await ask("GET", "/v1/models")).json.data as { id: string; owned_by: string }[]).map(({ id }) => id);
  t.same(ids.sort(), ["hf.co/a/b:q4", "llama3:8b", "mistral:instruct"]);
  writeFileSync(join(models, "manifests/registry.ollama.ai/library/llama3/8b"), "");
  t.same(await names(), ["hf.co/a/b:q4", "mistral:instruct"]);
  t.ok(ollama.lines.some((line) => line.includes('msg="bad manifest"')));
  t.same((await ask("DELETE", "/api/delete", { model: "MISTRAL:Instruct" })).status, 200, "case does not matter");
  t.same(await names(), ["hf.co/a/b:q4"]);
  t.equal((await ask("GET", "/v1/models/hf.co/a/b:q4")).json.owned_by, "a");
});

t.test("a digest is that of the manifest file, a size the sum of its layers", async (t) => {
  const { models, ask } = await world(t, {}, [MISTRAL]);
  const { createHash } = await import("node:crypto");
  const text = readFileSync(join(models, "manifests/registry.ollama.ai/library/mistral/instruct"), "utf8");
  const { layers, config } = JSON.parse(text) as { layers: { size: number }[]; config: { size: number } };
  const [entry] = (await ask("GET", "/api/tags")).json.models as Record<string, unknown>[];
  t.equal(entry?.digest, createHash("sha256").update(text).digest("hex"));
  t.equal(
    entry?.size,
    [...layers, config].reduce((sum, { size }) => sum + size, 0),
  );
  const shown = await ask("POST", "/api/show", { model: "mistral:instruct" });
  t.match(shown.json, {
    details: { family: "llama", parameter_size: "7.2B", quantization_level: "Q4_0" },
    model_info: { "general.architecture": "llama", "llama.context_length": 32768 },
    capabilities: ["completion", "tools", "insert"],
  });
});

t.test("a model derived from another shares its blobs and has its own context", async (t) => {
  const { ask, loaded } = await world(t);
  const made = await ask("POST", "/api/create", {
    model: "duo",
    from: "mistral:instruct",
    parameters: { num_ctx: 16384 },
  });
  t.match(made.lines.at(-1), { status: "success" });
  await ask("POST", "/api/generate", load("duo"));
  t.match(await loaded(), [{ name: "duo:latest", context_length: 16384 }]);
  t.equal((await ask("POST", "/api/copy", { source: "duo", destination: "duo2" })).status, 200);
  t.equal((await ask("DELETE", "/api/delete", { model: "mistral:instruct" })).status, 200);
  t.equal((await ask("POST", "/api/show", { model: "duo2" })).status, 200, "blobs in use stay");
});

t.test("a model made from an uploaded file", async (t) => {
  const { models, ask } = await world(t, {}, [MISTRAL]);
  const { publish } = await import("../registry/models.ts");
  const weights = publish({ name: "mine", bytes: 3000 }).blobs[1];
  const path = `/api/blobs/${weights?.digest}`;
  const bytes = weights?.read(0, weights.size);
  t.equal((await ask("HEAD", path)).status, 404);
  t.match((await upload(ask, path, Buffer.from("wrong"))).json, { error: /^digest mismatch, expected "sha256:/ });
  t.equal((await upload(ask, path, bytes)).status, 201);
  t.equal((await upload(ask, path, bytes)).status, 200);
  t.equal((await ask("HEAD", path)).status, 200);
  const made = await ask("POST", "/api/create", { model: "mine", files: { "a.gguf": weights?.digest } });
  t.match(
    made.lines.map(({ status }) => status),
    ["parsing GGUF", "validating GGUF model"],
  );
  t.match(made.lines.at(-1), { status: "success" });
  t.match((await ask("GET", "/api/tags")).json, { models: [{ name: "mine:latest" }, { name: "mistral:instruct" }] });
  const manifest = readFileSync(join(models, "manifests/registry.ollama.ai/library/mine/latest"), "utf8");
  t.notMatch(manifest, String(weights?.digest), "the file is rewritten, the upload is left over");
});

t.test("answers in both protocols, streamed and whole", async (t) => {
  const { ask } = await world(t);
  const generate = await ask("POST", "/api/generate", load("mistral:instruct", { prompt: "hi there" }));
  t.equal(generate.type, "application/x-ndjson");
  t.ok(generate.lines.slice(0, -1).every(({ done }) => done === false));
  t.match(generate.lines.at(-1), { done: true, done_reason: "stop", eval_count: generate.lines.length - 1 });
  const chat = await ask("POST", "/api/chat", { ...question, stream: false });
  t.match(chat.json, { message: { role: "assistant", content: /stand-in/ }, done: true });
  const cut = await ask(
    "POST",
    "/api/generate",
    load("mistral:instruct", { prompt: "hi", options: { num_predict: 3 } }),
  );
  t.match(cut.lines.at(-1), { done_reason: "length", eval_count: 3 });
  const whole = await ask("POST", "/v1/chat/completions", question);
  t.match(whole.json, {
    id: /^chatcmpl-\d+$/,
    object: "chat.completion",
    system_fingerprint: "fp_ollama",
    choices: [{ message: { role: "assistant" }, finish_reason: "stop" }],
    usage: { prompt_tokens: Number, total_tokens: Number },
  });
  const body = { ...question, stream: true, stream_options: { include_usage: true }, max_tokens: 4 };
  const stream = await ask("POST", "/v1/chat/completions", body);
  t.equal(stream.type, "text/event-stream");
  const events = stream.text.split("\n\n").filter(Boolean);
  t.equal(events.at(-1), "data: [DONE]");
  t.match(events.at(-2), '"usage":{');
  t.match(events.at(-3), '"finish_reason":"length"');
  t.match((await ask("POST", "/v1/completions", { model: "llama3:8b", prompt: "a" })).json, {
    object: "text_completion",
  });
});

t.test("a break in the middle: an error line there, just an end under /v1", async (t) => {
  const { ollama, ask } = await world(t);
  ollama.setFaults({ streamBreaks: true });
  const native = await ask("POST", "/api/generate", load("mistral:instruct", { prompt: "hi" }));
  t.equal(native.status, 200);
  t.match(native.lines.at(-1), { error: /^an error was encountered while running the model/ });
  const openai = await ask("POST", "/v1/chat/completions", { ...question, stream: true });
  t.same([openai.status, openai.broken], [200, false]);
  t.notMatch(openai.text, /\[DONE\]|"finish_reason":"/);
  const whole = await ask("POST", "/v1/chat/completions", question);
  t.same([whole.status, (whole.json.error as { type: string }).type], [500, "api_error"]);
});

t.test("a busy server goes on answering until it is told otherwise", async (t) => {
  const { ollama, ask } = await world(t);
  ollama.setFaults({ busy: true });
  let seen = 0;
  const onData = (): void => {
    seen++;
  };
  const answer = ask("POST", "/v1/chat/completions", { ...question, stream: true }, { onData });
  await until(async () => seen > 40);
  ollama.setFaults({});
  t.match((await answer).text, /\[DONE\]/);
});

t.test("a runner that dies", async (t) => {
  const { ollama, ask, loaded } = await world(t);
  ollama.setFaults({ runnerDies: "CUDA error: unknown error" });
  const answer = await ask("POST", "/api/chat", question);
  t.match(answer.json.error, /^model runner has unexpectedly stopped.*CUDA error/);
  ollama.setFaults({ tokenMs: 60_000 });
  const asked = ask("POST", "/api/chat", question);
  await until(async () => (await loaded()).length === 1);
  await ask("POST", "/api/generate", load("llama3:8b"));
  ollama.close();
  await asked.catch(() => undefined);
  t.pass("ends with its server");
});

t.test("too long a prompt is cut, which only the log says", async (t) => {
  const { ollama, ask } = await world(t, { OLLAMA_CONTEXT_LENGTH: "100" });
  const long = { model: "mistral:instruct", messages: [{ role: "user", content: "secret ".repeat(200) }] };
  const answer = await ask("POST", "/v1/chat/completions", long);
  t.equal((answer.json.usage as { prompt_tokens: number }).prompt_tokens, 50);
  t.ok(
    ollama.lines.some((line) =>
      /level=WARN .*msg="truncating input prompt" limit=50 prompt=350 keep=0 new=50/.test(line),
    ),
  );
  t.notOk(
    ollama.lines.some((line) => line.includes("secret")),
    "no prompt in any line",
  );
});

t.test("told to fail or to hang, a path does", async (t) => {
  const { ollama, ask } = await world(t);
  ollama.setFaults({ tagsFail: 500, fails: { "/api/version": 503 }, hang: ["/api/ps"], contextLength: 1024 });
  t.equal((await ask("GET", "/api/tags")).status, 500);
  t.equal((await ask("GET", "/api/version")).status, 503);
  await t.rejects(ask("GET", "/api/ps", undefined, { signal: AbortSignal.timeout(50) }));
  t.throws(() => ollama.setFaults({ nosuch: 1 } as object), /unknown "nosuch", want some of/);
  t.throws(() => ollama.setFaults({ sizeVramShare: 2 }), /"sizeVramShare" wants a number from 0 to 1/);
});

t.test("who may call a server on loopback, and from which page", async (t) => {
  const { ask } = await world(t);
  const cases = [
    { headers: { host: "127.9.8.7:11434" }, status: 200 },
    { headers: { host: "10.1.2.3" }, status: 200 },
    { headers: { host: "localhost:11434" }, status: 200 },
    { headers: { host: "gateway.internal" }, status: 200 },
    { headers: { host: "evil.example.com" }, status: 403 },
    { headers: { host: "8.8.8.8" }, status: 403 },
    { headers: { origin: "http://localhost:3000" }, status: 200 },
    { headers: { origin: "https://evil.example.com" }, status: 403 },
  ];
  for (const { headers, status } of cases) {
    const answer = await ask("GET", "/api/version", undefined, { headers });
    t.equal(answer.status, status, JSON.stringify(headers));
    if (status === 403) t.equal(answer.text, "");
  }
});

function upload(ask: World["ask"], path: string, bytes: Buffer | undefined): Promise<Answer> {
  return ask("POST", path, bytes);
}

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { load, MISTRAL, question, until, world } from "../test-world.ts";

t.test("loaded, kept, unloaded", async (t) => {
  const { ask, loaded } = await world(t);
  const answer = await ask("POST", "/api/generate", load("mistral:instruct", { keep_alive: -1 }));
  t.match(answer.json, { model: "mistral:instruct", response: "", done: true, done_reason: "load" });
  const [entry] = await loaded();
  t.match(entry, { name: "mistral:instruct", size_vram: 0, context_length: 4096 });
  t.ok(new Date(String(entry?.expires_at)).getFullYear() > 2300, "for ever is centuries ahead");
  await ask("POST", "/v1/chat/completions", question);
  t.ok(
    new Date(String((await loaded())[0]?.expires_at)).getFullYear() > 2300,
    "/v1 carries no keep_alive and changes none",
  );
  const unloaded = await ask("POST", "/api/generate", load("mistral:instruct", { keep_alive: 0 }));
  t.equal(unloaded.json.done_reason, "unload");
  t.same(await loaded(), []);
});

t.test("how long a model stays", async (t) => {
  const minute = 60_000;
  const cases = [
    { env: {}, body: {}, ms: 5 * minute },
    { env: { OLLAMA_KEEP_ALIVE: "1h" }, body: {}, ms: 60 * minute },
    { env: { OLLAMA_KEEP_ALIVE: "90" }, body: {}, ms: 1.5 * minute },
    { env: { OLLAMA_KEEP_ALIVE: "-1" }, body: { keep_alive: "2m" }, ms: 2 * minute },
    { env: {}, body: { keep_alive: 600 }, ms: 10 * minute },
  ];
  for (const { env, body, ms } of cases) {
    const { ask, loaded } = await world(t, env);
    await ask("POST", "/api/generate", load("mistral:instruct", body));
    const [entry] = await loaded();
    const left = new Date(String(entry?.expires_at)).getTime() - Date.now();
    t.ok(Math.abs(left - ms) < 5000, `${JSON.stringify({ env, body })}: ${left} ms`);
  }
  const short = await world(t, { OLLAMA_KEEP_ALIVE: "30ms" });
  await short.ask("POST", "/api/generate", load("llama3:8b"));
  t.equal((await short.loaded()).length, 1);
  await until(async () => (await short.loaded()).length === 0);
});

t.test("the context that holds", async (t) => {
  const cases = [
    { env: {}, model: "mistral:instruct", context: 4096 },
    { env: { OLLAMA_CONTEXT_LENGTH: "16384" }, model: "mistral:instruct", context: 16_384 },
    { env: { OLLAMA_CONTEXT_LENGTH: "999999" }, model: "llama3:8b", context: 8192 },
    { env: {}, model: "mistral:instruct", options: { num_ctx: 2048 }, context: 2048 },
  ];
  for (const { env, model, options, context } of cases) {
    const { ask, loaded } = await world(t, env);
    await ask("POST", "/api/generate", load(model, options === undefined ? {} : { options }));
    t.equal((await loaded())[0]?.context_length, context, JSON.stringify({ env, model, options }));
  }
});

t.test("other options load the model again, none do not", async (t) => {
  const { ollama, ask } = await world(t);
  const starts = (): number => ollama.lines.filter((line) => line.includes('msg="starting llama-server"')).length;
  for (const { options, count } of [
    { options: {}, count: 1 },
    { options: {}, count: 1 },
    { options: { temperature: 0.1 }, count: 1 },
    { options: { num_ctx: 2048 }, count: 2 },
    { options: { num_ctx: 2048, num_gpu: 1 }, count: 3 },
  ]) {
    await ask("POST", "/api/generate", load("mistral:instruct", { options }));
    t.equal(starts(), count, JSON.stringify(options));
  }
});

t.test("how much is in graphics memory", async (t) => {
  const { ollama, ask, loaded } = await world(t);
  for (const share of [0, 0.4, 1]) {
    ollama.setFaults({ sizeVramShare: share });
    await ask("POST", "/api/generate", load("mistral:instruct"));
    const [entry] = await loaded();
    t.ok(Math.abs(Number(entry?.size_vram) / Number(entry?.size) - share) < 0.001, String(share));
    await ask("POST", "/api/generate", load("mistral:instruct", { keep_alive: 0 }));
  }
});

t.test("loads that fail", async (t) => {
  const cases = [
    { faults: { loadFails: "llama-server process has terminated: signal: killed" }, env: {}, error: /signal: killed$/ },
    {
      faults: { loadMs: 500 },
      env: { OLLAMA_LOAD_TIMEOUT: "20ms" },
      error: /^timed out waiting for llama-server to start/,
    },
    {
      faults: { queueFull: true },
      env: {},
      error: "server busy, please try again.  maximum pending requests exceeded",
    },
  ];
  for (const { faults, env, error } of cases) {
    const { ollama, ask, loaded } = await world(t, env);
    ollama.setFaults(faults);
    const answer = await ask("POST", "/api/generate", load("mistral:instruct"));
    t.match(answer.json.error, error);
    t.equal(answer.status, "queueFull" in faults ? 503 : 500);
    t.same(await loaded(), []);
  }
  const { models, ask } = await world(t, {}, [MISTRAL]);
  const manifest = JSON.parse(
    readFileSync(join(models, "manifests/registry.ollama.ai/library/mistral/instruct"), "utf8"),
  );
  writeFileSync(join(models, "blobs", manifest.layers[0].digest.replace(":", "-")), "rotten");
  const answer = await ask("POST", "/api/generate", load("mistral:instruct"));
  t.match(answer.json.error, /^llama-server process has terminated: exit status 1: error loading model/);
});

t.test("a client that leaves during the load aborts it", async (t) => {
  const { ollama, ask, loaded } = await world(t);
  ollama.setFaults({ loadMs: 60_000 });
  const stop = new AbortController();
  const answer = ask("POST", "/v1/chat/completions", question, { signal: stop.signal }).catch(() => undefined);
  await until(async () => ollama.lines.some((line) => line.includes("waiting for llama-server")));
  stop.abort();
  await answer;
  await until(async () => ollama.lines.some((line) => /^\[GIN\].*\| 499 \|.*"\/v1\/chat\/completions"/.test(line)));
  t.ok(
    ollama.lines.some((line) =>
      line.includes("client connection closed before llama-server finished loading, aborting load"),
    ),
  );
  t.same(await loaded(), []);
});

t.test("a full queue refuses, a short one waits", async (t) => {
  const { ollama, ask } = await world(t, { OLLAMA_MAX_QUEUE: "1" });
  ollama.setFaults({ loadMs: 150 });
  const first = ask("POST", "/api/generate", load("mistral:instruct"));
  await until(async () => ollama.lines.some((line) => line.includes("waiting for llama-server")));
  const others = await Promise.all(["llama3:8b", "llama3:8b"].map((name) => ask("POST", "/api/generate", load(name))));
  t.same([(await first).status, ...others.map(({ status }) => status).sort()], [200, 200, 503]);
});

t.test("requests beyond the parallel ones wait for their turn", async (t) => {
  const { ollama, ask } = await world(t, { OLLAMA_NUM_PARALLEL: "1" });
  ollama.setFaults({ tokenMs: 5, answerTokens: 10 });
  await ask("POST", "/api/generate", load("mistral:instruct"));
  const started = Date.now();
  await Promise.all([1, 2, 3].map(() => ask("POST", "/v1/chat/completions", question)));
  t.ok(Date.now() - started >= 150);
});

t.test("a model that will not go is past its time and still there", async (t) => {
  const { ollama, ask, loaded } = await world(t);
  await ask("POST", "/api/generate", load("mistral:instruct"));
  ollama.setFaults({ stuckStopping: true });
  await ask("POST", "/api/generate", load("mistral:instruct", { keep_alive: 0 }));
  const [entry] = await loaded();
  t.ok(new Date(String(entry?.expires_at)).getTime() <= Date.now());
});

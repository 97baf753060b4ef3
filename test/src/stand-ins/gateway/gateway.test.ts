import "reflect-metadata";
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, webcrypto } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer as createHttp, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@fettle/shared/lib/must.ts";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import t, { type Test } from "tap";
import { type Gateway, startGateway } from "./gateway.ts";
import { modelOf } from "./model.ts";
import type { Environment } from "./settings.ts";

const dir = mkdtempSync(join(tmpdir(), "gateway-"));
const instance = generateKeyPairSync("rsa", { modulusLength: 2048 });
const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = own.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;
const PROMPT = "canary-prompt";
const API_KEY = "canary-api-key";

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

async function certificate(address: string): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: "CN=gitlab",
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true),
      new SubjectAlternativeNameExtension([{ type: "ip", value: address }]),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { cert: made.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
}

/** An instance that gives its keys, or does not: `up` is set from the tests. */
const gitlab = { up: true, url: "", ca: join(dir, "ca.pem"), otherName: "" };
const tls = await certificate("127.0.0.1");
writeFileSync(gitlab.ca, tls.cert);
const answerAsGitlab = (path: string): unknown =>
  path.endsWith("/keys")
    ? { keys: [{ ...createPublicKey(instance.privateKey).export({ format: "jwk" }), kid: "gitlab", use: "sig" }] }
    : { issuer: gitlab.url, jwks_uri: `${gitlab.url}/oauth/discovery/keys` };
const gitlabPort = await listening(
  createHttps(tls, (request, response) => {
    if (!gitlab.up) return response.destroy();
    return response.end(JSON.stringify(answerAsGitlab(request.url ?? "")));
  }),
);
gitlab.url = `https://127.0.0.1:${gitlabPort}`;
gitlab.otherName = `https://localhost:${gitlabPort}`;

/** A model server: the tag says how it behaves. */
const seen: { path: string; authorization: string; body: Record<string, unknown> }[] = [];
const modelPort = await listening(
  createHttp(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    const body = JSON.parse(text) as Record<string, unknown>;
    seen.push({ path: request.url ?? "", authorization: request.headers.authorization ?? "", body });
    if (body.model === "silent:1") return undefined;
    if (body.model !== "mistral:instruct" || request.url !== "/v1/chat/completions")
      return response.writeHead(404).end("404 page not found");
    if (body.stream !== true) {
      return response.end(
        JSON.stringify({
          choices: [{ message: { content: "hello" } }],
          usage: { prompt_tokens: 3, completion_tokens: 1 },
        }),
      );
    }
    for (const piece of ["hel", "lo"])
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: piece } }] })}\n\n`);
    return response.end("data: [DONE]\n\n");
  }),
);
const endpoint = `http://127.0.0.1:${modelPort}/v1`;

function token(claims: Record<string, unknown>, key: KeyObject = instance.privateKey, alg = "RS256"): string {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const payload = { aud: "gitlab-ai-gateway", sub: "instance-1", gitlab_realm: "self-managed", exp, ...claims };
  const text = [{ alg, typ: "JWT" }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
}

const as = (bearer: string): Record<string, string> => ({
  authorization: `Bearer ${bearer}`,
  "x-gitlab-authentication-type": "oidc",
  "x-gitlab-realm": "self-managed",
  "x-gitlab-instance-id": "instance-1",
});

interface Started {
  gateway: Gateway;
  log: () => string;
}

const base: Environment = {
  AIGW_FASTAPI__API_HOST: "127.0.0.1",
  AIGW_FASTAPI__API_PORT: "0",
  STAND_IN_DWS_HOST: "127.0.0.1",
  STAND_IN_DWS_PORT: "0",
  ENABLE_DUO_WORKFLOW_SERVICE: "true",
  AIGW_CUSTOM_MODELS__ENABLED: "true",
  AIGW_GITLAB_URL: gitlab.url,
  REQUESTS_CA_BUNDLE: gitlab.ca,
};

async function started(test: Test, env: Environment = {}, now?: () => number): Promise<Started> {
  const lines: string[] = [];
  const gateway = await startGateway({
    env: { ...base, ...env },
    write: (line) => lines.push(line),
    ...(now && { now }),
  });
  test.teardown(() => gateway.close());
  return { gateway, log: () => lines.join("\n") };
}

interface Answer {
  status: number;
  text: string;
}

async function ask(
  gateway: Gateway,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Answer> {
  const { host, port } = must(gateway.api, "the API's address");
  return await new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host, port, path, method: body === undefined ? "GET" : "POST", headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const CHECK = "/v1/prompts/model_configuration%2Fcheck";
const checkOf = (identifier: string, at = endpoint): Record<string, unknown> => ({
  stream: false,
  inputs: { question: PROMPT },
  model_metadata: { name: "mistral", identifier, endpoint: at, provider: "openai", api_key: API_KEY },
});

t.test("what needs no token, and what says that it does", async (t) => {
  const { gateway } = await started(t);
  t.match(await ask(gateway, "/monitoring/healthz"), { status: 200 });
  t.match(await ask(gateway, "/monitoring/ready"), { status: 503 });
  for (const path of ["/", "/docs", "/v1/anything"]) {
    t.same(await ask(gateway, path), { status: 401, text: '{"error":"No authorization header presented"}' }, path);
  }
});

t.test("a token of the instance is accepted and the model is asked", async (t) => {
  const { gateway, log } = await started(t);
  const reply = await ask(gateway, CHECK, as(token({})), checkOf("custom_openai/mistral:instruct"));
  t.same(reply, { status: 200, text: '"hello"' });
  const asked = must(seen.at(-1), "the request to the model");
  t.match(asked, {
    path: "/v1/chat/completions",
    authorization: `Bearer ${API_KEY}`,
    body: { model: "mistral:instruct", max_tokens: 16 },
  });
  t.notMatch(log(), /canary/, "neither prompt nor key in the log");
  const second = await ask(gateway, "/v2/prompts/chat/react", as(token({})), checkOf("mistral:instruct"));
  t.match(JSON.parse(second.text), { content: "hello", usage: { "mistral:instruct": { input_tokens: 3 } } });
});

const refusals: { name: string; headers: Record<string, string>; error: string; logged?: RegExp }[] = [
  { name: "no bearer", headers: { authorization: "Basic x" }, error: "Invalid authorization header" },
  {
    name: "no type",
    headers: { authorization: "Bearer x" },
    error: "Invalid authentication token type - only OIDC is supported",
  },
  {
    name: "other key",
    headers: as(token({}, own.privateKey)),
    error: "Forbidden by auth provider",
    logged: /JWTError: Signature verification failed/,
  },
  {
    name: "other audience",
    headers: as(token({ aud: "x" })),
    error: "Forbidden by auth provider",
    logged: /JWTClaimsError: Invalid audience/,
  },
  {
    name: "expired",
    headers: as(token({ exp: 1 })),
    error: "Forbidden by auth provider",
    logged: /Signature has expired/,
  },
  {
    name: "other algorithm",
    headers: as(token({}, instance.privateKey, "none")),
    error: "Forbidden by auth provider",
    logged: /alg value is not allowed/,
  },
  {
    name: "not a token",
    headers: as("x"),
    error: "Forbidden by auth provider",
    logged: /Error decoding token headers/,
  },
  {
    name: "cloned instance",
    headers: as(token({ sub: "instance-2" })),
    error: "Header mismatch 'X-Gitlab-Instance-Id'",
  },
  { name: "other realm", headers: as(token({ gitlab_realm: "saas" })), error: "Header mismatch 'X-Gitlab-Realm'" },
];

t.test("tokens that are refused", async (t) => {
  const { gateway, log } = await started(t);
  for (const { name, headers, error, logged } of refusals) {
    t.same(await ask(gateway, "/", headers), { status: 401, text: JSON.stringify({ error }) }, name);
    if (logged !== undefined) t.match(log(), logged, name);
  }
});

const unreachable: { name: string; env: Environment; logged: RegExp }[] = [
  {
    name: "no CA",
    env: { REQUESTS_CA_BUNDLE: "" },
    logged: /CERTIFICATE_VERIFY_FAILED\] certificate verify failed: self-signed certificate/,
  },
  {
    name: "no scheme",
    env: { AIGW_GITLAB_URL: "gitlab.example.com" },
    logged: /MissingSchema: Invalid URL '\/.well-known\/openid-configuration': No scheme supplied/,
  },
  {
    name: "name of another",
    env: { AIGW_GITLAB_URL: gitlab.otherName },
    logged: /Hostname mismatch, certificate is not valid for 'localhost'/,
  },
  {
    name: "nobody listens",
    env: { AIGW_GITLAB_URL: "https://127.0.0.1:1" },
    logged: /\[Errno 111\] Connection refused/,
  },
  {
    name: "no such name",
    env: { AIGW_GITLAB_URL: "https://gitlab.invalid" },
    logged: /Failed to resolve 'gitlab.invalid'|Temporary failure/,
  },
  { name: "no such bundle", env: { REQUESTS_CA_BUNDLE: "/nope.pem" }, logged: /invalid path: \/nope.pem/ },
  {
    name: "plain HTTP there",
    env: { AIGW_GITLAB_URL: `https://127.0.0.1:${modelPort}` },
    logged: /WRONG_VERSION_NUMBER/,
  },
];

t.test("an instance that gives no keys: no key at all is a 500, own keys alone are a failed signature", async (t) => {
  for (const { name, env, logged } of unreachable) {
    const without = await started(t, env);
    t.match(await ask(without.gateway, "/", as(token({}))), { status: 500 }, name);
    t.match(without.log(), /CriticalAuthError: No keys founds in JWKS; are OIDC providers up\?/, name);
    t.match(without.log(), logged, name);
    t.equal(await without.gateway.workflow, undefined, `${name}: the other process does not start`);
    t.match(without.log(), /Could not prefetch keys/, name);
  }
  const keys = { AIGW_SELF_SIGNED_JWT__SIGNING_KEY: pem, AIGW_SELF_SIGNED_JWT__VALIDATION_KEY: pem };
  const withOwn = await started(t, { ...keys, AIGW_GITLAB_URL: "https://127.0.0.1:1" });
  t.match(await ask(withOwn.gateway, "/", as(token({}))), { status: 401 });
  t.match(withOwn.log(), /JWTError: Signature verification failed/);
});

t.test("a failed fetch is remembered until the restart or the end of the day", async (t) => {
  let now = Date.now();
  const clock = (): number => now;
  const kept = await started(t, { DUO_WORKFLOW_AUTH__ENABLED: "false" }, clock);
  const newer = await started(t, { STAND_IN_CACHE_FAILURES: "false" }, clock);
  gitlab.up = false;
  const status = async ({ gateway }: Started): Promise<number> => (await ask(gateway, "/", as(token({})))).status;
  t.same([await status(kept), await status(newer)], [500, 500], "GitLab is away");
  gitlab.up = true;
  t.same([await status(kept), await status(newer)], [500, 404], "GitLab is back: only the newer one sees it");
  now += 24 * HOUR_MS + 1;
  t.equal((await ask(kept.gateway, "/", as(token({ exp: now / 1000 + 60 })))).status, 404, "a day later");
});

t.test("an instance that accepts and says nothing: the fetch ends when its time is over", async (t) => {
  const silentPort = await listening(createHttp(() => undefined));
  const { gateway, log } = await started(t, {
    AIGW_GITLAB_URL: `http://127.0.0.1:${silentPort}`,
    DUO_WORKFLOW_AUTH__ENABLED: "false",
  });
  gateway.faults.replace({ oidcTimeoutMs: 100 });
  t.match(await ask(gateway, "/", as(token({}))), { status: 500 });
  t.match(log(), /ReadTimeout: HTTPConnectionPool\(host='127.0.0.1', port=\d+\): Read timed out. \(read timeout=0.1\)/);
});

t.test("bypass lets everybody in and says so", async (t) => {
  const { gateway, log } = await started(t, { AIGW_AUTH__BYPASS_EXTERNAL: "true" });
  t.match(await ask(gateway, CHECK, {}, checkOf("custom_openai/mistral:instruct")), { status: 200 });
  t.match(log(), /Auth is disabled, all users allowed/);
  t.match(log(), /"level":"critical"/);
});

const models: { name: string; body: Record<string, unknown>; status: number; text: string }[] = [
  {
    name: "no /v1",
    body: checkOf("custom_openai/mistral:instruct", `http://127.0.0.1:${modelPort}`),
    status: 421,
    text: '{"detail":"404: Not Found"}',
  },
  { name: "no such tag", body: checkOf("custom_openai/nope"), status: 421, text: '{"detail":"404: Not Found"}' },
  { name: "misrouted", body: checkOf("hf.co/a/b:q4"), status: 421, text: '{"detail":"400: Bad Request"}' },
  {
    name: "nobody there",
    body: checkOf("custom_openai/x", "http://127.0.0.1:1/v1"),
    status: 503,
    text: '{"detail":"Inference failed"}',
  },
  {
    name: "no answer in time",
    body: checkOf("custom_openai/silent:1"),
    status: 421,
    text: '{"detail":"408: Request Timeout"}',
  },
  { name: "no metadata", body: { inputs: {} }, status: 421, text: '{"detail":"401: Unauthorized"}' },
  { name: "no inputs", body: {}, status: 422, text: '{"detail":"Validation error"}' },
];

t.test("models that err", async (t) => {
  const { gateway } = await started(t, { AIGW_AUTH__BYPASS_EXTERNAL: "true" });
  gateway.faults.replace({ modelTimeoutMs: 200 });
  for (const { name, body, status, text } of models)
    t.same(await ask(gateway, CHECK, {}, body), { status, text }, name);
  t.match(await ask(gateway, "/v1/prompts/nope", {}, checkOf("x")), {
    status: 404,
    text: '{"detail":"Prompt \'nope\' not found"}',
  });
  gateway.faults.replace({ inferenceFails: true });
  t.match(await ask(gateway, CHECK, {}, checkOf("custom_openai/mistral:instruct")), { status: 503 });
  const other = await started(t, { AIGW_AUTH__BYPASS_EXTERNAL: "true", AIGW_CUSTOM_MODELS__ENABLED: "" });
  t.match(await ask(other.gateway, CHECK, {}, checkOf("x")), {
    status: 400,
    text: /specifying custom models endpoint is disabled/,
  });
});

t.test("chat, code and streams", async (t) => {
  const { gateway } = await started(t, { AIGW_AUTH__BYPASS_EXTERNAL: "true" });
  const model = { model_endpoint: endpoint, model_identifier: "custom_openai/mistral:instruct" };
  const payload = { content: "hi", provider: "litellm", model: "mistral", ...model };
  const chat = await ask(gateway, "/v1/chat/agent", {}, { prompt_components: [{ type: "prompt", payload }] });
  t.match(JSON.parse(chat.text), { response: "hello", metadata: { provider: "litellm", model: "mistral" } });
  const current_file = { file_name: "a.py", content_above_cursor: "def", content_below_cursor: "" };
  const code = await ask(gateway, "/v2/code/generations", {}, { current_file, model_provider: "litellm", ...model });
  t.match(JSON.parse(code.text), { choices: [{ text: "hello" }], object: "text_completion" });
  t.match(await ask(gateway, "/v2/code/generations", {}, {}), { status: 422 });
  const stream = await ask(gateway, CHECK, {}, { ...checkOf("custom_openai/mistral:instruct"), stream: true });
  t.same(stream, { status: 200, text: "hello" });
});

const tokens: { name: string; env: Environment; status: number; logged?: RegExp }[] = [
  {
    name: "both keys",
    env: { AIGW_SELF_SIGNED_JWT__SIGNING_KEY: pem, AIGW_SELF_SIGNED_JWT__VALIDATION_KEY: pem },
    status: 200,
  },
  { name: "no keys", env: {}, status: 503 },
  {
    name: "newlines lost",
    env: { AIGW_SELF_SIGNED_JWT__SIGNING_KEY: pem.replaceAll("\n", " ") },
    status: 503,
    logged: /JWKError: Could not deserialize key data/,
  },
];

t.test("tokens for direct connections need the gateway's own keys", async (t) => {
  for (const { name, env, status, logged } of tokens) {
    const { gateway, log } = await started(t, env);
    const reply = await ask(gateway, "/v1/code/user_access_token", as(token({})), {});
    t.equal(reply.status, status, name);
    if (status === 503) t.equal(reply.text, '{"detail":"Token creation failed"}', name);
    if (logged !== undefined) t.match(log(), logged, name);
    t.notOk(log().includes(pem.slice(40, 80)), `${name}: no key in the log`);
  }
});

async function grpcHealth(
  gateway: Gateway,
  message = Buffer.from([0, 0, 0, 0, 0]),
): Promise<{ data: Buffer; status: unknown }> {
  const { host, port } = must(await gateway.workflow, "the address of the workflow service");
  const session = connect(`http://${host}:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
  });
  const chunks: Buffer[] = [];
  let status: unknown;
  return await new Promise((resolve, reject) => {
    for (const source of [session, stream]) source.on("error", reject);
    stream.on("response", (headers) => {
      status = headers["grpc-status"];
    });
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("close", () => {
      session.close();
      resolve({ data: Buffer.concat(chunks), status });
    });
    stream.end(message);
  });
}

t.test("the workflow service answers the health check over cleartext HTTP/2", async (t) => {
  const { gateway } = await started(t);
  t.same(await grpcHealth(gateway), { data: Buffer.from([0, 0, 0, 0, 2, 8, 1]), status: "0" });
  const unknown = Buffer.from([0, 0, 0, 0, 3, 10, 1, 0x78]);
  t.match(await grpcHealth(gateway, unknown), { status: "5" });
  gateway.faults.replace({ workflowNotServing: true });
  t.same((await grpcHealth(gateway)).data, Buffer.from([0, 0, 0, 0, 2, 8, 2]));
  const off = await started(t, { ENABLE_DUO_WORKFLOW_SERVICE: "", DISABLE_AI_GATEWAY: "true" });
  t.same([off.gateway.api, await off.gateway.workflow], [undefined, undefined]);
  await off.gateway.ended;
});

t.test("each half can die alone; the container ends with the last", async (t) => {
  const control = join(dir, "control.sock");
  const { gateway } = await started(t, { STAND_IN_CONTROL: control });
  await gateway.workflow;
  gateway.faults.replace({ workflowDead: true });
  await t.rejects(grpcHealth(gateway), /ECONNREFUSED/);
  t.match(await ask(gateway, "/monitoring/healthz"), { status: 200 });
  gateway.faults.replace({ httpDead: true });
  await t.rejects(ask(gateway, "/monitoring/healthz"), { code: "ECONNREFUSED" });
  await gateway.ended;
});

t.test("a port that is taken is a line in the log and a half that does not live", async (t) => {
  const { log, gateway } = await started(t, { AIGW_FASTAPI__API_PORT: String(modelPort) });
  t.match(
    log(),
    new RegExp(
      `\\[Errno 98\\] error while attempting to bind on address \\('127.0.0.1', ${modelPort}\\): address already in use`,
    ),
  );
  t.equal(gateway.api, undefined);
});

t.test("how an identifier is read", (t) => {
  const cases: [string, string, string][] = [
    ["custom_openai/mistral:instruct", "custom_openai", "mistral:instruct"],
    ["custom_openai/hf.co/org/model:tag", "custom_openai", "hf.co/org/model:tag"],
    ["mistral:instruct", "custom_openai", "mistral:instruct"],
    ["hf.co/org/model:tag", "hf.co", "org/model:tag"],
  ];
  for (const [identifier, provider, name] of cases)
    t.match(modelOf(identifier, "http://x/v1/", ""), { provider, name, apiBase: "http://x/v1" }, identifier);
  t.equal(modelOf("a", "http://x/v1", "").apiKey, "dummy_key");
  t.equal(modelOf("openai/a", "http://x/v1", "").apiKey, "");
  t.end();
});

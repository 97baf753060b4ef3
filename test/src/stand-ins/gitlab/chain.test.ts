import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { must } from "@fettle/shared/lib/must.ts";
import t, { type Test } from "tap";
import { startGateway } from "../gateway/gateway.ts";
import { ask, control, gitlab, graphql, model, mutate, type Running, SEAT } from "./kit.ts";

const exec = promisify(execFile);

/** A model server that knows one model. */
async function modelServer(t: Test): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    request.on("end", () => {
      if (!text.includes('"mistral:instruct"')) return response.writeHead(404).end("404 page not found");
      response.end(JSON.stringify({ choices: [{ message: { content: "hello" } }], usage: {} }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

async function gatewayFor(t: Test, running: Running): Promise<string> {
  const gateway = await startGateway({
    env: {
      AIGW_FASTAPI__API_HOST: "127.0.0.1",
      AIGW_FASTAPI__API_PORT: "0",
      AIGW_CUSTOM_MODELS__ENABLED: "true",
      AIGW_GITLAB_URL: running.url,
      REQUESTS_CA_BUNDLE: join(running.home, "ca.crt"),
    },
    write: () => undefined,
  });
  t.teardown(() => gateway.close());
  return `http://127.0.0.1:${must(gateway.api, "the gateway's address").port}`;
}

t.test("the connection check goes through the gateway to the model", async (t) => {
  const running = await gitlab(t, { outboundFilter: false });
  const endpoint = await modelServer(t);
  const tested = { ...model, endpoint, identifier: "custom_openai/mistral:instruct" };
  const check = async (change: object = {}) => {
    const selection = "errors result { success message name }";
    const payload = await mutate(running, "aiSelfHostedModelConnectionCheck", { ...tested, ...change }, selection);
    return payload.result as { success: boolean; message: string };
  };
  t.match(await check(), {
    success: false,
    message: /^Self-hosted model test request failed: Failed to open TCP connection to cloud/,
  });
  await mutate(running, "duoSettingsUpdate", { aiGatewayUrl: await gatewayFor(t, running) });
  t.same(await check(), {
    success: true,
    message: "Successfully connected to the self-hosted model",
    name: "model_configuration_probe",
  });
  t.match(await check({ identifier: "custom_openai/absent" }), {
    message: /failed: The self-hosted model server returned code 404/,
  });
  await control(running, "POST", "/signing-key");
  t.match(
    await check(),
    { message: /failed: AI Gateway returned code 401: Forbidden by auth provider/ },
    "the gateway kept the old key",
  );
  await mutate(running, "duoSettingsUpdate", { aiGatewayUrl: "http://127.0.0.1:1" });
  t.match(await check(), { message: /Connection refused - connect\(2\) for "127\.0\.0\.1" port 1/ });
  const health = await graphql(running, "{ cloudConnectorStatus { success probeResults { name success } } }");
  t.match(health.data, {
    cloudConnectorStatus: { success: false, probeResults: [{ success: true }, { name: "host_probe", success: false }] },
  });
});

t.test("chat: asked now, answered later", async (t) => {
  const running = await gitlab(t, { outboundFilter: false });
  const created = await mutate(
    running,
    "aiSelfHostedModelCreate",
    { ...model, endpoint: await modelServer(t), identifier: "custom_openai/mistral:instruct" },
    "selfHostedModel { id }",
  );
  await mutate(running, "duoSettingsUpdate", { aiGatewayUrl: await gatewayFor(t, running) });
  const { id } = created.selfHostedModel as { id: string };
  await mutate(running, "aiFeatureSettingUpdate", {
    features: ["DUO_CHAT"],
    provider: "SELF_HOSTED",
    aiSelfHostedModelId: id,
  });
  await mutate(running, "userAddOnAssignmentCreate", SEAT);
  const input = { chat: { content: "hi" }, conversationType: "DUO_CHAT" };
  const { requestId } = await mutate(running, "aiAction", input, "requestId errors");
  const query = `{ aiMessages(requestIds: ["${requestId}"], roles: [ASSISTANT]) { nodes { content errors } } }`;
  const deadline = Date.now() + 10_000;
  let nodes: unknown[] = [];
  while (nodes.length === 0 && Date.now() < deadline) {
    const { data } = await graphql(running, query);
    nodes = (must(data, "data").aiMessages as { nodes: unknown[] }).nodes;
  }
  t.same(nodes, [{ content: "hello", errors: [] }]);
});

const SCRIPT = "# fettle: mint-token v1\nputs 1";
const MINT = {
  actor: "root",
  name: "fettle",
  scopes: ["api", "admin_mode"],
  expiresAt: new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10),
};

interface Runner {
  /** The first line on the terminal. */
  spoke: Promise<unknown>;
  ended: Promise<{ code: number; terminal: string }>;
}

/** `gitlab-rails runner` in a root of its own: the GitLab's home. */
function rails(running: Running, params: object, script = SCRIPT): Runner {
  writeFileSync(join(running.home, "params.json"), JSON.stringify(params));
  const argv = [join(import.meta.dirname, "rails.ts"), "runner", script, "/params.json", "/pipe"];
  const roots = { STAND_IN_CONTROL: running.control, STAND_IN_ROOT: running.home, STAND_IN_RAILS_MS: "1" };
  const child = spawn(process.execPath, argv, { env: { ...process.env, ...roots }, stdio: ["ignore", "pipe", "pipe"] });
  let terminal = "";
  child.stdout.on("data", (part: Buffer) => {
    terminal += part;
  });
  child.stderr.on("data", (part: Buffer) => {
    terminal += part;
  });
  const spoke = new Promise((resolve) => child.stderr.once("data", resolve));
  const ended = new Promise<{ code: number; terminal: string }>((resolve) =>
    child.on("close", (status) => resolve({ code: status ?? -1, terminal })),
  );
  return { spoke, ended };
}

const readPipe = (running: Running) => readFile(join(running.home, "pipe"), "utf8");
const minted = (running: Running) =>
  Object.values(running.world.store.state.tokens).filter((token) => token.name === MINT.name);

t.test("gitlab-rails runner makes a token and hands it over on the pipe", async (t) => {
  const running = await gitlab(t);
  const noPipe = /Errno::ENOENT: No such file or directory @ rb_sysopen/;
  t.match(await rails(running, MINT).ended, { code: 1, terminal: noPipe });
  await exec("mkfifo", ["-m", "600", join(running.home, "pipe")]);
  const runner = rails(running, MINT);
  await runner.spoke;
  t.equal(minted(running).length, 0, "nothing is made while nobody reads");
  const made = JSON.parse(await readPipe(running)) as { id: number; token: string; expiresAt: string };
  t.match(made, { id: Number, token: /^glpat-/, expiresAt: MINT.expiresAt });
  const { code, terminal } = await runner.ended;
  t.match({ code, terminal }, { code: 0, terminal: /DEPRECATION WARNING/ });
  t.notMatch(terminal, made.token);
  const self = await ask(running, "/api/v4/personal_access_tokens/self", { token: made.token });
  t.match(self, { status: 200, json: { id: made.id, name: "fettle", scopes: MINT.scopes } });
  t.match(await rails(running, MINT, "puts 2").ended, { code: 1, terminal: /one script only/ });
});

t.test("gitlab-rails runner fails as Rails does, and makes nothing", async (t) => {
  const running = await gitlab(t);
  await exec("mkfifo", ["-m", "600", join(running.home, "pipe")]);
  const cases: readonly [params: object, state: object, faults: object, says: RegExp][] = [
    [{ actor: "nobody" }, {}, {}, /ActiveRecord::RecordNotFound: Couldn't find User/],
    [{ expiresAt: "2099-01-01" }, {}, {}, /Validation failed: Expires at must be before/],
    [{ scopes: ["everything"] }, {}, {}, /Scopes can only contain available scopes/],
    [{}, {}, { rails: "Errno::ENOMEM: Cannot allocate memory" }, /ENOMEM/],
    [{}, { geo: "secondary" }, {}, /PG::ReadOnlySqlTransaction/],
  ];
  for (const [params, state, faults, says] of cases) {
    await control(running, "PUT", "/state", state);
    await control(running, "PUT", "/faults", faults);
    const { ended } = rails(running, { ...MINT, ...params });
    t.equal(await readPipe(running), "", "the pipe ends empty");
    t.match(await ended, { code: 1, terminal: says });
  }
  t.equal(minted(running).length, 0);
});

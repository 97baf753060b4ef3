import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "@fettle/shared/lib/must.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import { OLLAMA_PORT } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import { adminOf } from "../sandbox/drifts.ts";
import { deleteModel, query, readModels } from "../stand-ins/gitlab/admin-client.ts";
import { differences, engineAt, filesOf, ollamaAt, unitsOf } from "./machines.ts";
import { startWorld } from "./world.ts";

const REPOSITORY = "registry.gitlab.com/gitlab-org/modelops/applied-ml/code-suggestions/ai-assist/model-gateway";
const IMAGE = `${REPOSITORY}:self-hosted-v17.9.2-ee`;
const STRANGER = "stranger.service";
const DROP_IN = "etc/systemd/system/ollama.service.d/zzz-operator.conf";
const CREATE = `mutation($input: AiSelfHostedModelCreateInput!) { aiSelfHostedModelCreate(input: $input) { errors } }`;

const world = await startWorld(t, { mode: "observe" });
const { sandbox } = world;
const stackFile = join(sandbox.layout.folder, "stack.yaml");
const ollamaRoot = sandbox.rootOf("ollama-1");
const units = unitsOf(sandbox, "ollama-1");
const address = sandbox.layout.addresses["ollama-1"];

/** Somebody's own service on the port that Ollama is to have. */
async function strangerOnThePort(): Promise<void> {
  const program = join(sandbox.layout.folder, "ollama-1/stranger.mjs");
  const answer = `(request, response) => response.writeHead(404).end("not here")`;
  writeFileSync(
    program,
    `import { createServer } from "node:http";
createServer(${answer}).listen(${OLLAMA_PORT}, "${address}");\n`,
  );
  const unit = `[Service]\nExecStart=${process.execPath} ${program}\n`;
  writeFileSync(join(ollamaRoot, `etc/systemd/system/${STRANGER}`), unit);
  await units.start(STRANGER);
}

/** A container of the gateway's name, made by hand. */
async function strangersContainer(): Promise<string> {
  await engineAt(sandbox, "POST", `/images/create?fromImage=${encodeURIComponent(IMAGE)}`);
  const labels = { "com.docker.compose.project": "somebody" };
  const body = { Image: IMAGE, Labels: labels, Env: ["AIGW_AUTH__BYPASS_EXTERNAL=true"] };
  const made = await engineAt(sandbox, "POST", `/containers/create?name=${GATEWAY_CONTAINER}`, body);
  return (JSON.parse(made.text) as { Id: string }).Id;
}

/** A record of the same name that leads elsewhere. */
async function strangersRecord(): Promise<string> {
  const name = must(/displayName: (.*)/.exec(readFileSync(stackFile, "utf8"))?.[1], "the record's name");
  const input = { name, model: "MISTRAL", endpoint: "http://10.99.0.1:8000/v1", identifier: "custom_openai/theirs" };
  await query(adminOf(sandbox), CREATE, { input });
  return must((await readModels(adminOf(sandbox)))[0], "the record").id;
}

await world.until("every agent has reported", 30_000, async () => {
  const nodes = (await world.status()).nodes;
  return nodes.every(({ connection, behind }) => connection === "connected" && !behind);
});
await strangerOnThePort();
const container = await strangersContainer();
const record = await strangersRecord();
const stranger = await units.show(STRANGER);
await sandbox.apply(readFileSync(stackFile, "utf8").replace("mode: observe", "mode: enforce"));

const BLOCKED = [
  ["ollama-1", "ollama.listening", "ollama.listening.port-held", /stranger/],
  ["gateway-1", "gateway.container", "gateway.container.foreign", /somebody/],
  ["gitlab-1", "gitlab.model[mistral]", "gitlab.model.foreign", /10\.99\.0\.1/],
] as const;

t.test("a foreign port, container and record are named, blocked and left alone", async (t) => {
  for (const [node, id, code, text] of BLOCKED) {
    const found = await world.says(node, id, "blocked");
    t.equal(found.code, code, id);
    t.match(found.text, text, "with what it is");
    t.ok(found.remedy, "and what a person does about it");
  }
  // Asking for a repair changes nothing about whose they are.
  await sandbox.fettle(["repair"]);
  for (const [node, id] of BLOCKED) await world.says(node, id, "blocked");
  t.match(await units.show(STRANGER), { active: "active", mainPid: stranger.mainPid, restarts: 0 });
  const inspected = JSON.parse((await engineAt(sandbox, "GET", `/containers/${container}/json`)).text);
  t.match(inspected, { Id: container, Name: `/${GATEWAY_CONTAINER}`, State: { Status: "created" } });
  const models = await readModels(adminOf(sandbox));
  t.match(models, [{ id: record, endpoint: "http://10.99.0.1:8000/v1", identifier: "custom_openai/theirs" }]);
  const status = await world.status();
  for (const [node, id] of BLOCKED)
    t.ok(
      status.people.some(({ where }) => where === `${node}/${id}`),
      `${id} is among what only a person can do`,
    );
});

t.test("when they are gone the rest follows by itself", async () => {
  await units.stop(STRANGER);
  await engineAt(sandbox, "DELETE", `/containers/${container}?force=true`);
  await deleteModel(adminOf(sandbox), record);
  await world.inSync();
});

t.test("what others have beside it is not looked at", async (t) => {
  await ollamaAt(sandbox, "POST", "/api/copy", { source: "mistral:instruct", destination: "theirs:latest" });
  await strangersRecordBeside();
  const before = filesOf(sandbox, "ollama-1");
  await sandbox.fettle(["repair"]);
  await world.inSync();
  t.strictSame(differences(before, filesOf(sandbox, "ollama-1")), []);
  t.match((await ollamaAt(sandbox, "GET", "/api/tags")).text, /theirs:latest/);
  t.equal((await readModels(adminOf(sandbox))).length, 2);
});

async function strangersRecordBeside(): Promise<void> {
  const input = {
    name: "Theirs",
    model: "MISTRAL",
    endpoint: "http://10.99.0.1:8000/v1",
    identifier: "custom_openai/x",
  };
  await query(adminOf(sandbox), CREATE, { input });
}

t.test("another drop-in that wins is named and left alone", async (t) => {
  const text = `[Service]\nEnvironment="OLLAMA_HOST=${address}:9999"\n`;
  mkdirSync(join(ollamaRoot, "etc/systemd/system/ollama.service.d"), { recursive: true });
  writeFileSync(join(ollamaRoot, DROP_IN), text);
  await units.daemonReload();
  const found = await world.says("ollama-1", "ollama.drop-in", "blocked");
  t.match(found, { code: "ollama.drop-in.overridden", text: /zzz-operator\.conf/ });
  t.equal(readFileSync(join(ollamaRoot, DROP_IN), "utf8"), text);
  rmSync(join(ollamaRoot, DROP_IN));
  await units.daemonReload();
  await world.inSync();
});

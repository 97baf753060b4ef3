import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@fettle/coordinator/api/routes.ts";
import { apiTokenRoute } from "@fettle/shared/api/tokens.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t from "tap";
import { ask } from "../sandbox/ask.ts";
import { adminOf, containerStopped, featureRemapped, modelRemoved, ollamaHost } from "../sandbox/drifts.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { query, readModels } from "../stand-ins/gitlab/admin-client.ts";
import type { State } from "../stand-ins/gitlab/state.ts";
import { type Canary, findIn, findInFiles, ProcessWatch } from "./canaries.ts";
import { engineAt, gitlabControl } from "./machines.ts";
import { startWorld } from "./world.ts";

const AGENT = "root/var/lib/fettle-agent";
const chance = () => randomBytes(12).toString("hex");
const PROMPT = `please refactor the ${chance()} module`;
const API_KEY = `sk-record-${chance()}`;
const CHAT = "mutation($input: AiActionInput!) { aiAction(input: $input) { requestId errors } }";
const UPDATE = "mutation($input: AiSelfHostedModelUpdateInput!) { aiSelfHostedModelUpdate(input: $input) { errors } }";

const processes = new ProcessWatch();
const enrolmentTokens: string[] = [];
const debug = { FETTLE_LOG_LEVEL: "debug" };
const world = await startWorld(t, {
  prepare: keepTokens,
  agents: { "gitlab-1": debug, "gateway-1": debug, "ollama-1": debug },
});
const { sandbox } = world;
const { folder } = sandbox.layout;

/** The enrolment's tokens go by here, and are told to nobody else. */
function keepTokens(sandbox: Sandbox): void {
  const real = sandbox.fettleAgent.bind(sandbox);
  sandbox.fettleAgent = (node, args, env) => {
    if (env?.FETTLE_TOKEN !== undefined) enrolmentTokens.push(env.FETTLE_TOKEN);
    return real(node, args, env);
  };
}

await world.inSync();

/** A life in which each secret is used, and things go wrong around it. */
async function live(): Promise<string> {
  const { token } = await world.client.call(apiTokenRoute, { query: {}, body: { name: "canary", role: "viewer" } });
  const admin = adminOf(sandbox);
  const [record] = await readModels(admin);
  const { id, endpoint, identifier } = must(record, "the model's record");
  const input = { id, name: "renamed", model: "MISTRAL", endpoint, identifier, apiToken: API_KEY };
  await query(admin, UPDATE, { input });
  await world.until("the name is put back", 20_000, async () => (await readModels(admin))[0]?.name !== "renamed");
  await engineAt(sandbox, "DELETE", "/containers/fettle-gateway?force=true");
  await world.until("the gateway is back", 30_000, () => containerStopped.healed(sandbox));
  for (const drift of [modelRemoved, containerStopped, featureRemapped, ollamaHost]) {
    await drift.make(sandbox);
    await world.until(`${drift.name} is healed`, 30_000, () => drift.healed(sandbox));
  }
  await sandbox.agents["gateway-1"].kill();
  sandbox.agents["gateway-1"].start(debug);
  await sandbox.agents["gitlab-1"].stop();
  sandbox.agents["gitlab-1"].start(debug);
  const text = readFileSync(join(folder, "stack.yaml"), "utf8");
  await sandbox.apply(text.replace("auth: jwt", "auth: bypass"));
  await world.until("everybody is let in", 40_000, async () => (await withoutToken()) !== 401);
  await sandbox.apply(text);
  await world.until("and no more", 40_000, async () => (await withoutToken()) === 401);
  await world.inSync();
  await prompt();
  return token;
}

async function withoutToken(): Promise<number> {
  const host = sandbox.layout.addresses["gateway-1"];
  return (await ask({ host, port: 5052, method: "GET", path: "/" })).status;
}

/** A user asks Duo Chat: GitLab, gateway, Ollama and back. */
async function prompt(): Promise<void> {
  const admin = adminOf(sandbox);
  const input = { chat: { content: PROMPT }, conversationType: "DUO_CHAT" };
  const asked = await query<{ aiAction: { requestId: string } }>(admin, CHAT, { input });
  const answers = `{ aiMessages(requestIds: ["${asked.aiAction.requestId}"], roles: [ASSISTANT]) { nodes { content errors } } }`;
  await world.until("Duo Chat answers", 20_000, async () => {
    const { aiMessages } = await query<{ aiMessages: { nodes: { content: string | null }[] } }>(admin, answers, {});
    return aiMessages.nodes.some(({ content }) => content !== null);
  });
}

const apiToken = await live();

function secretOf(node: NodeName, path: string): string {
  return readFileSync(join(folder, node, AGENT, path), "utf8");
}

/** A line from the middle of a PEM: its ends look like others'. */
function middleOf(pem: string): string {
  return must(pem.trim().split("\n")[2] ?? pem.trim().split("\n")[1], "a line of the key");
}

function canaries(): Canary[] {
  const gateway = readdirSync(join(folder, "gateway-1", AGENT, "secrets"));
  const engine = ["gateway-1/root/var/lib/docker"];
  return [
    {
      name: "GitLab's token",
      value: (JSON.parse(secretOf("gitlab-1", "secrets/gitlab-token.json")) as { token: string }).token,
      files: [`gitlab-1/${AGENT}/secrets`],
    },
    ...gateway.map((file) => ({
      name: `signing key ${file}`,
      value: middleOf(secretOf("gateway-1", `secrets/${file}`)),
      files: [`gateway-1/${AGENT}/secrets`, ...engine],
      // The container's program, and what is run inside it.
      environments: ["gateway.mjs", "curl.mjs"],
    })),
    ...enrolmentTokens.map((token) => ({
      name: "an enrolment token",
      value: must(token.split(".").at(-1), "its secret"),
      files: [],
      environments: ["enrol"],
    })),
    { name: "an API token", value: must(apiToken.split(".").at(-1), "its secret"), files: [] },
    { name: "the key in a model's record", value: API_KEY, files: ["gitlab-1/root/var/opt/gitlab"] },
    { name: "a user's prompt", value: PROMPT, files: [] },
    ...NODES.map((node) => ({
      name: `the key of ${node}'s agent`,
      value: middleOf(secretOf(node, "identity/key.pem")),
      files: [`${node}/${AGENT}/identity/key.pem`],
    })),
    ...["ca.key", "server.key"].map((file) => ({
      name: `the coordinator's ${file}`,
      value: middleOf(readFileSync(join(folder, "coordinator/data/pki", file), "utf8")),
      files: [`coordinator/data/pki/${file}`],
    })),
  ];
}

const known = canaries();

t.test("every canary is what it should be, and is used", async (t) => {
  t.equal(enrolmentTokens.length, 3);
  t.ok(known.length >= 14, `${known.length} canaries`);
  for (const { name, value } of known) t.ok(value.length >= 16, name);
  const state = (await gitlabControl(sandbox, "GET", "/state")) as State;
  t.match(Object.values(state.models), [{ apiToken: API_KEY }], "the record's key is still there");
  const signing = must(
    known.find(({ name }) => name.includes("signing")),
    "a signing key",
  );
  t.ok(findIn((await engineAt(sandbox, "GET", "/containers/fettle-gateway/json")).text, signing), "the search finds");
});

t.test("no answer of the API says one", async (t) => {
  const socketPath = join(folder, "coordinator/run/admin.sock");
  const runs = await world.runs();
  const resources = await world.resources();
  const paths = routes.flatMap(({ contract }) => {
    if (contract.method !== "GET" || "stream" in contract) return [];
    if (contract.path.endsWith("/resource"))
      return resources.map(({ node, id }) => `/v1/nodes/${node}/resource?id=${encodeURIComponent(id)}`);
    if (contract.path.includes(":id")) return runs.map(({ id }) => contract.path.replace(":id", id));
    if (contract.path.includes(":sha256")) return [contract.path.replace(":sha256", "0".repeat(64))];
    return contract.path.includes(":node")
      ? NODES.map((node) => contract.path.replace(":node", node))
      : [contract.path];
  });
  t.ok(paths.length > 80, `${paths.length} answers`);
  const found: string[] = [];
  for (const path of paths) {
    const { status, text } = await ask({ socketPath, method: "GET", path });
    if (status !== 200) t.fail(`${path}: ${status}`);
    for (const canary of known) if (findIn(text, canary)) found.push(`${canary.name} in ${path}`);
  }
  t.strictSame(found, []);
});

t.test("no command says one", async (t) => {
  const [run] = await world.runs("gitlab-1");
  const coordinator = [
    ["status"],
    ["status", "--json"],
    ["diff", "--json"],
    ["plan", "-f", join(folder, "stack.yaml"), "--json"],
    ["get", "runs", "--json"],
    ["get", "events", "--json"],
    ["get", "resources", "--json"],
    ["describe", "gateway-1/gateway.container"],
    ["describe", "gitlab-1/gitlab.token"],
    ["logs", must(run, "a run").id],
  ];
  const said = await Promise.all(coordinator.map((args) => sandbox.fettle(args)));
  for (const node of NODES)
    for (const args of [
      ["status", "--json"],
      ["plan", "--json"],
      ["policy", "--json"],
    ])
      said.push(await sandbox.fettleAgent(node, args));
  said.push(await sandbox.fettleAgent("gitlab-1", ["why", "gitlab.token", "--json"]));
  said.push(await sandbox.fettleAgent("gateway-1", ["why", "gateway.container", "--json"]));
  const found = known.filter((canary) => said.some((text) => findIn(text, canary)));
  t.strictSame(
    found.map(({ name }) => name),
    [],
  );
});

t.test("no file, database or log holds one, but where it belongs", async (t) => {
  t.strictSame(findInFiles(folder, known), [], "while everything runs");
  await Promise.all([...Object.values(sandbox.agents), sandbox.coordinator].map((child) => child.stop()));
  t.strictSame(findInFiles(folder, known), [], "and afterwards");
});

t.test("no command line or environment ever held one, but where it belongs", async (t) => {
  t.ok(processes.size > 30, `${processes.size} processes were seen`);
  t.strictSame(processes.stop(known), []);
});

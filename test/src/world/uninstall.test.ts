import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cli } from "@fettle/agent/cli.ts";
import { readEnv } from "@fettle/agent/env.ts";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { makeSandboxHost, type SandboxMachine } from "../sandbox/host/sandbox-host.ts";
import { NODES, type NodeName, outsideHosts } from "../sandbox/layout.ts";
import { engineAt, gitlabControl, ollamaAt, unitsOf } from "./machines.ts";
import { startWorld } from "./world.ts";

const UNIT = "fettle-agent.service";
const FOLDERS = ["opt/fettle-agent", "var/lib/fettle-agent", "run/fettle-agent", "etc/fettle"];

const world = await startWorld(t);
const { sandbox } = world;
await world.inSync();

/** `fettle-agent uninstall` as root of that machine. */
async function uninstall(node: NodeName, ...flags: string[]): Promise<{ code: number; out: string }> {
  const { layout } = sandbox;
  const socket = join(layout.folder, node, "units.sock");
  const hosts = outsideHosts(layout);
  const machine: SandboxMachine = { root: sandbox.rootOf(node), address: layout.addresses[node], socket, hosts };
  let out = "";
  const say = (text: string) => {
    out += text;
  };
  const io = { out: say, error: say, readStdin: async () => null, confirm: async () => null, holdOn: () => {} };
  const code = await cli(["uninstall", ...flags], { env: readEnv({}), host: makeSandboxHost(machine), ownUid: 0, io });
  return { code, out };
}

/** As an installation has it: the agent in its unit, and its program's folder. */
async function asUnit(node: NodeName): Promise<void> {
  const root = sandbox.rootOf(node);
  await sandbox.agents[node].stop();
  const environment = Object.entries(sandbox.agentEnv(node)).map(([key, value]) => `Environment="${key}=${value}"`);
  const text = ["[Service]", `ExecStart=${sandbox.agentArgv().join(" ")}`, "Restart=always", ...environment, ""];
  for (const [path, content] of [
    ["opt/fettle-agent/0.1.0/bin/fettle-agent", "program"],
    [`etc/systemd/system/${UNIT}`, text.join("\n")],
  ] as const) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  await unitsOf(sandbox, node).daemonReload();
  await unitsOf(sandbox, node).start(UNIT);
}

function left(node: NodeName): string[] {
  const paths = [...FOLDERS, `etc/systemd/system/${UNIT}`];
  return paths.filter((path) => existsSync(join(sandbox.rootOf(node), path)));
}

async function container(): Promise<{ id: string; running: boolean; restart: string }> {
  const found = JSON.parse((await engineAt(sandbox, "GET", `/containers/${GATEWAY_CONTAINER}/json`)).text);
  return { id: found.Id, running: found.State.Running, restart: found.HostConfig.RestartPolicy.Name };
}

async function madeTokens(): Promise<boolean[]> {
  const { tokens } = (await gitlabControl(sandbox, "GET", "/state")) as {
    tokens: Record<string, { name: string; revoked: boolean }>;
  };
  const made = Object.values(tokens).filter(({ name }) => name === "fettle");
  return made.map(({ revoked }) => revoked);
}

for (const node of NODES) await asUnit(node);
await world.inSync();

t.test("GitLab's machine: GitLab stays, its token is revoked, the row says uninstalled", async (t) => {
  const before = await unitsOf(sandbox, "gitlab-1").show("gitlab-runsvdir.service");
  t.same(await madeTokens(), [false]);
  const { code, out } = await uninstall("gitlab-1");
  t.equal(code, 0, out);
  t.same(left("gitlab-1"), []);
  t.same(await madeTokens(), [true]);
  t.equal((await world.node("gitlab-1")).connection, "uninstalled");
  t.match(out, /Revoked the GitLab token[\s\S]*The coordinator knows that gitlab-1 is uninstalled/);
  t.equal((await unitsOf(sandbox, "gitlab-1").show("gitlab-runsvdir.service")).mainPid, before.mainPid);
  t.match(await sandbox.fettle(["status"]), /gitlab-1 .*uninstalled/);
});

t.test("the gateway's machine: its container runs on, and an agent that comes back keeps it", async (t) => {
  const before = await container();
  const settings = join(sandbox.rootOf("gateway-1"), "etc/fettle/agent.yaml");
  const text = readFileSync(settings, "utf8");
  t.equal((await uninstall("gateway-1")).code, 0);
  t.same(left("gateway-1"), []);
  t.same(await container(), before);
  mkdirSync(dirname(settings));
  writeFileSync(settings, text, { mode: 0o600 });
  await sandbox.enrol("gateway-1");
  await asUnit("gateway-1");
  await world.says("gateway-1", "gateway.container", "in-sync", 60_000);
  t.equal((await container()).id, before.id);
  t.notOk(existsSync(join(sandbox.rootOf("gateway-1"), "var/lib/fettle-gateway-keys")));
});

t.test("with --purge-config and the coordinator away it runs on too, and is not started again", async (t) => {
  await sandbox.coordinator.stop();
  const { id } = await container();
  const { code, out } = await uninstall("gateway-1", "--purge-config");
  t.equal(code, 0, out);
  t.match(out, /fettle node remove gateway-1/);
  t.same(left("gateway-1"), []);
  t.same(await container(), { id, running: true, restart: "no" });
});

t.test("Ollama runs on with what it was set to", async (t) => {
  const before = await unitsOf(sandbox, "ollama-1").show("ollama.service");
  t.equal((await uninstall("ollama-1")).code, 0);
  t.same(left("ollama-1"), []);
  t.equal((await ollamaAt(sandbox, "GET", "/api/version")).status, 200);
  const after = await unitsOf(sandbox, "ollama-1").show("ollama.service");
  t.equal(after.mainPid, before.mainPid);
  t.same(after.dropIns, before.dropIns);
  t.match((await uninstall("ollama-1")).out, /nothing of Fettle's agent/);
});

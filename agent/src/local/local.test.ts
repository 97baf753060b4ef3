import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import type { LocalPause } from "@fettle/shared/protocol/report.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import t, { type Test } from "tap";
import { cli } from "../cli.ts";
import { readEnv } from "../env.ts";
import { realFiles } from "../system/real/files.ts";
import { realLocalSocket } from "../system/real/local-socket.ts";
import type { EnrolRequest, Io } from "./cli/command.ts";
import { runCli } from "./cli/run-cli.ts";
import type { LocalAgent } from "./local-agent.ts";
import { localService } from "./local-service.ts";
import type { LocalStatus } from "./views.ts";

const NOW = 1_800_000_000_000;
const clock = { now: () => NOW, mono: () => 0, sleep: async () => {}, random: () => 0 };

function resource(id: string, extra: Partial<ResourceReport> = {}): ResourceReport {
  return { id, hash: "a".repeat(64), state: "in-sync", since: NOW - 90_000, changes: [], findings: [], ...extra };
}

const drifted = resource("ollama.drop-in", {
  state: "drifted",
  code: "agent.observing",
  reason: "The stack is in mode observe.\u001b[31m",
  changes: [{ what: "OLLAMA_HOST", from: null, to: "172.31.11.27" }],
});

/** An agent that remembers what it was asked. */
class FakeAgent implements LocalAgent {
  readonly asked: string[] = [];
  pauses: LocalPause[] = [];
  resources: ResourceReport[] = [resource("ollama.service"), drifted];

  status(): LocalStatus {
    const report = {
      desired: null,
      facts: {},
      resources: this.resources,
      health: null,
      ports: [],
      pauses: this.pauses,
    };
    const problem = { code: "link.unreachable", message: "It cannot be reached.", remedy: "Check it." };
    const link = { state: "waiting" as const, coordinator: "10.0.0.5:7444", since: NOW - 5000, heardAt: null, problem };
    return { version: "0.1.0", node: "ollama-1", stack: "duo", mode: "observe", link, report };
  }

  async plan() {
    return { resources: [...this.resources, { ...resource("ollama.model[m]"), downloadBytes: 4_100_000_000 }] };
  }

  pause(pause: LocalPause, by: string): void {
    this.asked.push(`pause by ${by}`);
    this.pauses.push(pause);
  }

  resume(scope: string, by: string): boolean {
    this.asked.push(`resume ${scope} by ${by}`);
    return this.pauses.some((pause) => pause.scope === scope);
  }

  why(id: string) {
    const found = this.resources.find((one) => one.id === id);
    return found === undefined ? null : { resource: found, remedy: "Apply it.", after: ["ollama.install"], runs: [] };
  }

  async update(path: string, by: string) {
    if (path.includes("nowhere")) throw new FettleError("update.no-file", { path, problem: "there is no such file" });
    this.asked.push(`update ${path} by ${by}`);
    return { from: "0.1.0", version: "0.2.0" };
  }

  policy() {
    const refusal = { code: "policy.env-name", message: "Not on the list.", remedy: "Add the line `- X`." };
    return {
      path: "/etc/fettle/agent.yaml",
      policy: { ollama: { env: [] } },
      pins: { "gitlab.gateway": ["172.31.11.20"] },
      refusals: { "ollama.service": refusal },
    };
  }
}

interface Machine {
  readonly agent: FakeAgent;
  readonly run: (...args: string[]) => Promise<{ code: number; out: string; error: string }>;
}

/** An agent on a socket of its own, and the commands that call it. */
async function machine(t: Test): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), "fa-"));
  const agent = new FakeAgent();
  const end = new AbortController();
  const path = join(folder, "run/local.sock");
  const served = localService(realLocalSocket, path, agent, clock).run(end.signal);
  t.teardown(async () => {
    end.abort();
    await served;
    await rm(folder, { recursive: true });
  });
  for (let tries = 0; tries < 500 && (await realFiles.stat(path)) === null; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const run = async (...args: string[]) => {
    const io = { out: "", error: "" };
    const env = readEnv({ FETTLE_AGENT_RUN: join(folder, "run"), SUDO_USER: "alice" });
    const code = await cli(args, {
      env,
      host: { files: realFiles, clock, localSocket: realLocalSocket } as unknown as Parameters<typeof cli>[1]["host"],
      ownUid: process.getuid?.() ?? 0,
      io: {
        out: (text) => {
          io.out += text;
        },
        error: (text) => {
          io.error += text;
        },
        readStdin: async () => null,
        confirm: async () => null,
        holdOn: () => {},
      },
    });
    return { code, ...io };
  };
  return { agent, run };
}

t.test("status: what differs first, the coordinator's absence said, nothing that a terminal obeys", async (t) => {
  const { agent, run } = await machine(t);
  agent.pauses = [{ scope: "*", reason: "moving house", until: NOW + 3_600_000, at: NOW }];
  const { code, out } = await run("status");
  t.equal(code, 0);
  t.match(out, /ollama-1 in the stack duo: drifted \(mode observe/);
  t.match(out, /not connected \(10\.0\.0\.5:7444\), not heard since the start/);
  t.match(out, /\n {2}It cannot be reached\. \(link\.unreachable\)\n {2}Check it\.\n/);
  t.match(out, /Paused: everything, for 1h more: moving house/);
  t.ok(out.indexOf("ollama.drop-in") < out.indexOf("ollama.service"));
  t.notMatch(out, "\u001b");
  t.equal((await run("status", "--detailed-exitcode")).code, 2);
  const json = JSON.parse((await run("status", "--json")).out);
  t.match(json, { schemaVersion: 1, word: "drifted", node: "ollama-1" });
});

t.test("exit codes follow the rolled-up word", async (t) => {
  const { agent, run } = await machine(t);
  const cases: readonly [ResourceReport["state"], number][] = [
    ["in-sync", 0],
    ["failed", 2],
    ["waiting", 2],
    ["unknown", 3],
    ["blocked", 4],
    ["paused", 4],
    ["released", 0],
  ];
  for (const [state, expected] of cases) {
    agent.resources = [resource("ollama.service"), resource("ollama.drop-in", { state })];
    t.equal((await run("plan", "--detailed-exitcode")).code, expected, state);
    t.equal((await run("plan")).code, 0, state);
  }
});

t.test("plan, why and policy say what a person needs", async (t) => {
  const { run } = await machine(t);
  t.match(
    (await run("plan")).out,
    /ollama\.drop-in: drifted[\s\S]*OLLAMA_HOST: absent -> 172\.31\.11\.27[\s\S]*1 of 3 differ/,
  );
  t.match((await run("why", "ollama.drop-in")).out, /Do: {2}Apply it\.[\s\S]*After: ollama\.install/);
  t.match((await run("why", "ollama.nothing")).error, /no resource ollama\.nothing[\s\S]*agent\.no-such-resource/);
  t.match(
    (await run("policy")).out,
    /agent\.yaml:[\s\S]*172\.31\.11\.20[\s\S]*Refused: ollama\.service \(policy\.env-name\)/,
  );
});

t.test("pause and resume, and who did it", async (t) => {
  const { agent, run } = await machine(t);
  t.match((await run("pause", "--reason", "backup", "--until", "2h")).out, /everything on this machine/);
  t.strictSame(agent.pauses, [{ scope: "*", reason: "backup", until: NOW + 7_200_000, at: NOW }]);
  t.equal((await run("pause", "ollama.model[a/b:c]", "--reason", "x", "--until", "2030-01-01T00:00Z")).code, 0);
  t.equal(agent.pauses[1]?.until, Date.parse("2030-01-01T00:00Z"));
  t.match((await run("resume")).out, "Resumed");
  t.match((await run("resume", "gitlab")).out, "no such pause");
  t.strictSame(agent.asked, ["pause by alice", "pause by alice", "resume * by alice", "resume gitlab by alice"]);
});

t.test("wrong words: one line says what, one what to do; exit status 1", async (t) => {
  const { agent, run } = await machine(t);
  const cases: readonly [string[], RegExp][] = [
    [["dance"], /there is no command "dance"/],
    [["status", "extra"], /status does not take "extra"/],
    [["status", "--loud"], /--loud/],
    [["why"], /needs the id/],
    [["why", "--detailed-exitcode", "x"], /no --detailed-exitcode/],
    [["pause"], /needs --reason/],
    [["pause", "--reason", "x", "--until", "soon"], /2h or/],
    [["pause", "--reason", "x", "--until", "2001-01-01T00:00Z"], /passed/],
    [["pause", "everything", "--reason", "x"], /scope/],
    [["pause", "--reason", "r".repeat(600)], /reason/],
    [["enrol", "fettle1.token-in-argv"], /does not take/],
    [["enrol"], /no token/],
    [["enrol", "--token-file", "/nowhere"], /no file/],
  ];
  for (const [args, problem] of cases) {
    const { code, out, error } = await run(...args);
    t.equal(code, 1, args.join(" "));
    t.match(error, problem, args.join(" "));
    t.equal(out, "", args.join(" "));
  }
  t.strictSame(agent.asked, []);
  t.match(JSON.parse((await run("why", "x", "--json")).out), {
    schemaVersion: 1,
    error: { code: "agent.no-such-resource" },
  });
  for (const args of [[], ["--help"], ["pause", "--help"], ["--version"]]) t.equal((await run(...args)).code, 0);
});

t.test("enrol: the token comes from a file, the environment or stdin, in that order", async (t) => {
  const requests: EnrolRequest[] = [];
  const io: Io = {
    out: () => {},
    error: () => {},
    call: async () => null,
    enrol: async (request) => {
      requests.push(request);
      return { node: "n", stack: "s", roles: [] };
    },
    readFile: async (path) => (path === "/token" ? "from file\n" : null),
    uninstall: () => {
      throw new Error("not asked for");
    },
    readStdin: async () => "from stdin\n",
    confirm: async () => null,
    holdOn: () => {},
    isRoot: true,
    token: new Secret("from env"),
    user: "root",
    clock,
  };
  await runCli(["enrol", "--token-file", "/token", "--coordinator", "c:9443"], io);
  await runCli(["enrol"], io);
  await runCli(["enrol"], { ...io, token: null });
  t.strictSame(
    requests.map(({ token }) => token.reveal()),
    ["from file", "from env", "from stdin"],
  );
  t.strictSame(
    requests.map(({ coordinator }) => coordinator),
    ["c:9443", null, null],
  );
});

t.test("the socket: its owner's alone, replaces a dead one, and is not taken from a live one", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "fa-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, "a.sock");
  await writeFile(path, "left over");
  const end = new AbortController();
  const answer = { status: 200, body: { ok: true } };
  const served = realLocalSocket.serve(path, async () => answer, end.signal);
  for (let tries = 0; tries < 500 && (await stat(path)).isFile(); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 5)).catch(() => {});
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.strictSame(await realLocalSocket.call(path, { method: "GET", path: "/", body: null }, 5000), answer);
  await t.rejects(
    realLocalSocket.serve(path, async () => answer, end.signal),
    { code: "EADDRINUSE" },
  );
  const big = { method: "POST", path: "/", body: "x".repeat(200_000) } as const;
  await t.rejects(realLocalSocket.call(path, big, 5000));
  end.abort();
  await served;
  t.equal(await realFiles.stat(path), null, "it goes with the agent");
  await t.rejects(realLocalSocket.call(path, { method: "GET", path: "/", body: null }, 5000), { code: "ENOENT" });
});

t.test("an agent that does not run, or does not answer, is said to", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "fa-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, "local.sock");
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  t.teardown(() => mute.close());
  await chmod(path, 0o600);
  await t.rejects(realLocalSocket.call(path, { method: "GET", path: "/", body: null }, 50), { code: "ETIMEDOUT" });
  const env = readEnv({ FETTLE_AGENT_RUN: join(folder, "none") });
  let error = "";
  const io = {
    out: () => {},
    error: (text: string) => {
      error += text;
    },
    readStdin: async () => null,
    confirm: async () => null,
    holdOn: () => {},
  };
  const host = { files: realFiles, clock, localSocket: realLocalSocket } as unknown as Parameters<
    typeof cli
  >[1]["host"];
  t.equal(await cli(["status"], { env, host, ownUid: 0, io }), 1);
  t.match(error, /does not answer[\s\S]*systemctl status fettle-agent/);
});

t.test("an update by hand: the file's path from here, and who asked", async (t) => {
  const { agent, run } = await machine(t);
  const taken = await run("update", "--release", "/root/fettle-agent-0.2.0-linux-x64.tar.gz");
  t.equal(taken.code, 0);
  t.match(taken.out, /0\.1\.0 -> 0\.2\.0 is taken up/);
  t.same(agent.asked, ["update /root/fettle-agent-0.2.0-linux-x64.tar.gz by alice"]);
  t.match(await run("update", "--release", "/nowhere"), { code: 1, error: /update\.no-file/ });
  t.match(await run("update"), { code: 1, error: /agent\.usage/ });
});

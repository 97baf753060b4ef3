import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { run } from "@fettle/coordinator/cli/run.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import Fastify from "fastify";
import t, { type Test } from "tap";
import { type Bench, EXAMPLE, makeBench } from "./bench.ts";

interface Terminal {
  readonly isTTY?: boolean;
  readonly rows?: number;
  readonly columns?: number;
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface More {
  readonly files?: Record<string, string>;
  readonly tty?: Terminal;
  readonly env?: object;
  readonly signal?: AbortSignal;
  /** Called with everything written so far. */
  readonly onWrite?: (text: string) => void;
}

type Fettle = (line: string, more?: More) => Promise<Run>;

/** The CLI in this process, on a real socket of a coordinator without agents. */
async function begin(t: Pick<Test, "teardown">): Promise<{ bench: Bench; fettle: Fettle }> {
  const bench = await makeBench();
  const folder = mkdtempSync(join(tmpdir(), "fettle-cli-"));
  const socket = join(folder, "admin.sock");
  const app = Fastify({ forceCloseConnections: true });
  registerRoutes(app, bench.context);
  await app.listen({ path: socket });
  t.teardown(async () => {
    await app.close();
    await bench.stop();
    rmSync(folder, { recursive: true });
  });
  const fettle: Fettle = async (line, { files = {}, tty = {}, env = {}, signal, onWrite = () => undefined } = {}) => {
    const [out, err]: [string[], string[]] = [[], []];
    let mono = 0;
    const sleep = async (ms: number) => {
      mono += ms;
    };
    const code = await run(line.split(" "), {
      stdout: { ...tty, write: (text: string) => onWrite(take(out, text)) },
      stderr: { write: (text: string) => err.push(text) },
      environment: { FETTLE_SOCKET: socket, ...env },
      clock: { now: () => bench.clock.now(), mono: () => mono, sleep, random: () => 0.5 },
      signal: signal ?? new AbortController().signal,
      readFile: async (path) => {
        const found = { "stack.yaml": EXAMPLE, ...files }[path];
        if (found === undefined) throw new Error("no such file");
        return found;
      },
    });
    await bench.drain();
    return { code, out: out.join(""), err: err.join("") };
  };
  return { bench, fettle };
}

/** Everything written so far. */
function take(written: string[], text: string): string {
  written.push(text);
  return written.join("");
}

const MODEL = "ollama.model[mistral:instruct]";

async function converged({ bench, fettle }: { bench: Bench; fettle: Fettle }, model: Partial<ResourceReport> = {}) {
  await fettle("apply -f stack.yaml --no-plan");
  for (const node of ["gitlab-1", "gateway-1", "ollama-1"]) await bench.connect(node);
  await bench.report("gitlab-1", [{ id: "gitlab.ready" }], { facts: { gitlabVersion: "18.8.2-ee" } });
  await bench.report("gitlab-1", [{ id: "gitlab.ready" }], { facts: { gitlabVersion: "18.8.2-ee" } });
  await bench.report("gateway-1", [{ id: "gateway.ready" }]);
  await bench.report("ollama-1", [{ id: "ollama.listening" }, { id: MODEL, ...model }]);
}

t.test("status on one screen", async (t) => {
  const world = await begin(t);
  await converged(world);
  t.same((await world.fettle("status")).out.split("\n"), [
    "duo  revision 1  evaluation  enforce  in-sync",
    "user -> gitlab gitlab-1 -> gateway gateway-1 -> ollama ollama-1",
    "gateway-1  in-sync    connected  health unknown  gateway",
    "gitlab-1   in-sync    connected  health unknown  gitlab",
    "ollama-1   in-sync    connected  health unknown  ollama",
    "4 in-sync",
    "",
  ]);
  const blocked = { state: "blocked", code: "agent.busy", reason: "the disk is full" } as const;
  const resources = Array.from({ length: 60 }, (_, i) => ({ ...blocked, id: `ollama.model[m${i}:latest]` }));
  await world.bench.report("ollama-1", [
    { id: "ollama.listening", state: "failed", reason: "nothing answers", code: "agent.busy" },
    ...resources,
  ]);
  const screen = (await world.fettle("status", { tty: { rows: 24, columns: 80 } })).out.split("\n");
  t.ok(screen.length <= 24, `${screen.length} lines`);
  t.ok(
    screen.every((line) => line.length <= 80 || line.includes("fettle")),
    "no line is wider",
  );
  t.match(screen[1], "-x- ollama ollama-1", "the broken hop");
  t.match(
    screen.join("\n"),
    /Only a person can do\n {2}ollama-1\/ollama.model\[m0:latest\] blocked 1s the disk is full/,
  );
  t.match(screen.join("\n"), /… and \d+ more/);
});

/** Command line -> exit status and what its output must hold. */
const said: readonly (readonly [string, number, RegExp])[] = [
  ["status --detailed-exitcode", 2, /repairing/],
  [
    "diff --detailed-exitcode",
    2,
    /ollama-1\n {2}ollama\.model\[mistral:instruct\] {2}repairing\n {6}model: absent -> present/,
  ],
  ["wait --timeout 3s", 1, /^$/],
  ["wait --timeout 3s --detailed-exitcode", 2, /^$/],
  ["wait --timeout 3s --node gateway-1", 0, /gateway-1 is in sync/],
  ["wait --timeout soon", 1, /^$/],
  ["get nodes", 0, /ollama-1 {3}ollama {3}172\.31\.11\.27 {2}connected/],
  ["get resources --node ollama-1", 0, /ollama-1\/ollama\.listening {16}in-sync/],
  ["get resources --state nonsense", 1, /^$/],
  ["get events", 0, /Revision 1 applied by socket\./],
  ["get runs", 0, /^RUN/],
  ["get stack", 0, /kind: Stack/],
  ["get audit", 0, /socket {2}apply revision 1/],
  ["get wombats", 1, /^$/],
  ["describe ollama-1", 0, /generation 1 of 1/],
  [`describe ollama-1/${MODEL}`, 0, /model: absent -> present/],
  ["describe nobody", 1, /^$/],
  ["describe Ollama_1", 1, /^$/],
  [`repair ollama-1/${MODEL}`, 0, /is tried again/],
  ["repair gateway-1", 0, /nothing to repair/],
  ["pause ollama-1/ollama --reason work --until 2h", 0, /ollama-1\/ollama is paused for 2h/],
  ["pause ollama-1", 1, /^$/],
  ["pause ollama-1 --reason x --until yesterday", 1, /^$/],
  ["resume ollama-1/ollama", 0, /ollama-1\/ollama goes on/],
  ["resume ollama-1/ollama", 1, /^$/],
  [`approve ollama-1/${MODEL}`, 1, /^$/],
  [
    "token create --node ollama-1",
    0,
    /^fettle1\.token-of-ollama-1\ncurl -q -fsSk --pinnedpubkey 'sha256\/\/A{43}=' -o ~\/fettle-install\.sh 'https:\/\/172\.31\.11\.1:7443\/install\.sh' && printf %s 'fettle1\.token-of-ollama-1' \| sudo sh ~\/fettle-install\.sh\n$/,
  ],
  [
    "token create --node ollama-1 --address fettle.example.com",
    0,
    /'https:\/\/fettle\.example\.com:7443\/install\.sh'/,
  ],
  ["token create --node ollama-1 --address a'b", 1, /^$/],
  ["token create --node ollama-1 --address fd00::1", 0, /'https:\/\/\[fd00::1\]:7443\/install\.sh'/],
  ["token create --node ollama-1 --ttl 25h", 1, /^$/],
  ["token create --node ollama-1 --ttl 30m --instance-id i-0abc", 0, /^fettle1\./],
  ["token create --node ollama-1 --instance-id 'i;x'", 1, /^$/],
  ["token create --node ollama-1 --cloud-init azure", 1, /^$/],
  [
    "token create --node ollama-1 --cloud-init aws",
    0,
    /^#!\/bin\/sh\n[\s\S]*--driver-install\n[\s\S]*\{ main "\$@"; \}\n$/,
  ],
  ["token create --api viewer --name grafana", 0, /^fettleapi1\./],
  ["token create", 1, /^$/],
  ["token list", 0, /grafana {2}viewer/],
  ["schema", 0, /"apiVersion"/],
  ["explain stack.moved", 0, /next: /],
  ["explain stack.moover", 1, /^$/],
  ["apply -f stack.yaml --no-plan", 0, /nothing changed, still revision 1/],
  ["apply -f stack.yaml --no-plan --revision 0", 1, /^$/],
  ["apply -f none.yaml", 1, /^$/],
  ["node remove ollama-1", 0, /ollama-1 is removed/],
  ["bogus", 1, /^$/],
  ["", 1, /^$/],
];

t.test("every command: its exit status, its answer or its error with the next command", async (t) => {
  const world = await begin(t);
  const changes = [{ what: "model", from: null, to: "present" }];
  await converged(world, { state: "repairing", changes });
  for (const [line, code, pattern] of said) {
    const result = await world.fettle(line);
    t.equal(result.code, code, `${line}: status ${result.err}`);
    t.match(result.out, pattern, `${line}: what it says`);
    if (code === 1)
      t.match(result.err, /^(.*\n)*fettle: .+ \([a-z-]+\.[a-z-.]+\)\n(.*\n)*next: .+\n$/, `${line}: what, why, next`);
  }
});

t.test("--json: one value a line, with its schema, also for errors", async (t) => {
  const world = await begin(t);
  await converged(world);
  for (const [line, name] of [
    ["status --json", "status"],
    ["--json get nodes", "nodes"],
    ["get resources --json", "resources"],
    ["diff --json", "diff"],
    ["plan -f stack.yaml --json", "plan"],
    ["apply -f stack.yaml --json", "apply"],
    ["wait --json", "status"],
    ["explain agent.busy --json", "codes"],
    ["describe nobody --json", "error"],
    ["bogus --json", "error"],
  ] as const) {
    const { out } = await world.fettle(line);
    t.equal(JSON.parse(out).schema, `fettle.dev/${name}/v1`, line);
  }
});

t.test("a bad file: every problem with its place", async (t) => {
  const { fettle } = await begin(t);
  const bad = EXAMPLE.replace("warm: true", "wram: true").replace("family: MISTRAL", "family: MISTRALL");
  for (const command of ["apply", "plan"]) {
    const { code, err } = await fettle(`${command} -f bad.yaml`, { files: { "bad.yaml": bad } });
    t.equal(code, 1);
    t.match(err, /bad\.yaml:19:17 stack\.not-allowed .*\n.*bad\.yaml:39:39 stack\.unknown-key/, command);
  }
});

t.test("plan and apply: people first, then changes, restarts, downloads", async (t) => {
  const world = await begin(t);
  await converged(world);
  world.bench.hub.live.delete("gitlab-1");
  const base = { hash: "a".repeat(64), since: 1, findings: [], changes: [] };
  const changes = [{ what: "OLLAMA_HOST", from: "127.0.0.1", to: "172.31.11.27" }];
  world.bench.hub.answer = (node) => ({
    resources:
      node === "ollama-1"
        ? [
            { ...base, id: "ollama.driver", state: "blocked", code: "agent.observing", reason: "no driver" },
            { ...base, id: "ollama.service", state: "drifted", changes, disturbs: "service" },
            { ...base, id: MODEL, state: "drifted", downloadBytes: 4.1e9, creates: "the model mistral:instruct" },
          ]
        : [{ ...base, id: "gateway.ready", state: "in-sync" }],
  });
  const { out, code } = await world.fettle("plan -f stack.yaml --detailed-exitcode");
  t.equal(code, 4);
  t.same(
    out.split("\n").filter((line) => !line.includes("spec.mode")),
    [
      "Only a person can do",
      "  ollama-1/ollama.driver  blocked  no driver",
      "gateway-1  nothing to do",
      "gitlab-1  not connected: what it would do is unknown",
      "ollama-1",
      "  ollama.driver  blocked  no driver",
      "  ollama.service  drifted",
      "      OLLAMA_HOST: 127.0.0.1 -> 172.31.11.27",
      "      restarts the service, when nobody uses it or after drain",
      `  ${MODEL}  drifted`,
      "      creates the model mistral:instruct",
      "      downloads 4.1 GB",
      "  ollama.listening  released: no longer looked after, nothing is deleted",
      "From revision 1. Nothing was changed; next: fettle apply -f FILE",
      "",
    ],
  );
  t.match(
    (await world.fettle("apply -f stack.yaml")).out,
    /Only a person can do\n(.*\n)*.*downloads 4\.1 GB\n(.*\n)*.*nothing changed/,
  );
});

t.test("nothing that a terminal would obey", async (t) => {
  const world = await begin(t);
  await converged(world, { state: "blocked", code: "agent.busy", reason: "\u001b[31mred\u202e\u0007" });
  for (const line of ["status", "get resources", `describe ollama-1/${MODEL}`, "status --json"]) {
    const { out } = await world.fettle(line);
    t.notOk(/[^\P{Cc}\n]|\u202e|\\u001b/u.test(out), line);
    t.match(out, /\[31mred/, line);
  }
});

t.test("colour only on a terminal, and not with NO_COLOR", async (t) => {
  const world = await begin(t);
  await converged(world);
  t.match((await world.fettle("status", { tty: { isTTY: true } })).out, "\u001b[32min-sync");
  t.notMatch((await world.fettle("status", { tty: { isTTY: true }, env: { NO_COLOR: "1" } })).out, "\u001b");
  t.notMatch((await world.fettle("status")).out, "\u001b");
});

t.test("the environment must be whole", async (t) => {
  const { fettle } = await begin(t);
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ FETTLE_URL: "http://coordinator:7443" }, "cli.environment"],
    [{ FETTLE_URL: "https://coordinator:7443" }, "cli.environment"],
    [{ FETTLE_URL: "https://coordinator:7443", FETTLE_TOKEN: "x" }, "cli.environment"],
    [{ FETTLE_URL: "https://coordinator:7443", FETTLE_TOKEN: "x", FETTLE_CA: "/nowhere" }, "cli.file-unreadable"],
    [{ FETTLE_SOCKET: "/nowhere/admin.sock" }, "cli.unreachable"],
  ];
  for (const [env, code] of cases) t.match((await fettle("status", { env })).err, code);
});

t.test("a run's log", async (t) => {
  const world = await begin(t);
  await converged(world);
  const id = "00000000-0000-7000-8000-000000000001";
  const of = { stack: "duo", node: "ollama-1" };
  const run = {
    id,
    passId: id,
    epoch: 1,
    generation: 1,
    resource: MODEL,
    resourceHash: "a",
    cause: "desired",
    changes: "[]",
  };
  const ended = {
    phase: "done",
    outcome: "repaired",
    code: null,
    reason: null,
    startedAt: 1,
    endedAt: 2,
    receivedAt: 2,
    bytes: 0,
  };
  const { store } = world.bench.context;
  await store.runs.put({ ...run, ...of, ...ended } as Parameters<typeof store.runs.put>[0]);
  for (const [seq, data] of ["pulling\n", "\u001b[2Kdone\n"].entries())
    await store.logs.add({ runId: id, seq, ...of, at: seq, data, bytes: data.length });
  t.equal((await world.fettle(`logs ${id} -f`)).out, "pulling\n[2Kdone\n");
  t.equal((await world.fettle(`logs ollama-1/${MODEL}`)).out, "pulling\n[2Kdone\n", "the last run of a resource");
  t.equal((await world.fettle("logs 00000000-0000-7000-8000-000000000009")).code, 1);
  t.match((await world.fettle("get runs")).out, /repaired/);
});

t.test("events --watch: what was, then each as it happens, none twice and none lost", async (t) => {
  const world = await begin(t);
  await converged(world);
  const end = new AbortController();
  const reasons = ["one", "two", "three"];
  let next = 0;
  const step = (text: string) => {
    const seen = reasons.filter((reason) => text.includes(`: ${reason}`)).length;
    if (seen === reasons.length) end.abort();
    else if (seen === next && text.includes("Revision 1")) {
      const reason = reasons[next];
      next += 1;
      void world.fettle(`pause stack --reason ${reason}`);
    }
  };
  const watching = world.fettle("events --watch", { signal: end.signal, onWrite: step });
  const { out, code } = await watching;
  t.equal(code, 0);
  for (const reason of reasons) t.equal(out.split(`: ${reason}`).length, 2, reason);
});

t.test("status --watch prints what changes", async (t) => {
  const world = await begin(t);
  await converged(world);
  const end = new AbortController();
  let asked = false;
  const onWrite = (text: string) => {
    if (text.includes("paused")) end.abort();
    if (asked) return;
    asked = true;
    void world.bench.report("ollama-1", [{ id: "ollama.listening" }, { id: MODEL, state: "paused", reason: "work" }]);
  };
  const { out } = await world.fettle("status --watch", { signal: end.signal, onWrite });
  t.match(out, /Z ollama-1\/ollama\.model\[mistral:instruct\] paused work\n.*Z stack in-sync -> paused\n$/);
});

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "@fettle/agent/config.ts";
import { fillIn } from "@fettle/coordinator/http/install-script.ts";
import t from "tap";

const TEMPLATE = readFileSync(new URL("../../../deploy/install.sh", import.meta.url), "utf8");
const SCRIPT = fillIn(TEMPLATE, {
  host: "172.31.11.1",
  apiPort: 7443,
  agentPort: 7444,
  pin: `sha256//${"A".repeat(43)}=`,
  coordinatorName: "coordinator.c0ffee.fettle.internal",
  releases: [{ version: "0.1.0", arch: "x64", sha256: "a".repeat(64), size: 42_000_000 }],
});

const folder = mkdtempSync(join(tmpdir(), "fettle-install-script-"));
t.teardown(() => rmSync(folder, { recursive: true }));

/** Runs a piece of shell. With no programs at all: what is called that is no builtin is not found. */
function sh(text: string, { args = [], path = "/nowhere" }: { args?: readonly string[]; path?: string } = {}) {
  const file = join(folder, "script");
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync("/bin/sh", [file, ...args], {
    cwd: folder,
    env: { PATH: path },
    input: `fettle1.${"p".repeat(43)}.0123456789abcdef.${"s".repeat(43)}`,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

t.test("cut at every 512th byte, at each line's end and at each byte of the last line, it does nothing", async (t) => {
  const bytes = Buffer.from(SCRIPT);
  const steps = Array.from({ length: Math.floor(bytes.length / 512) }, (_, index) => (index + 1) * 512);
  const lines = [...SCRIPT.matchAll(/\n/g)].map(({ index }) => Buffer.byteLength(SCRIPT.slice(0, index)));
  const last = Array.from({ length: 60 }, (_, index) => bytes.length - 2 - index);
  // With the closing brace it is whole; the newline after it may be missing.
  const ends = [...new Set([0, ...steps, ...lines.filter((_, index) => index % 8 === 0), ...last])];
  t.match(SCRIPT, /\n\{ main "\$@"; \}\n$/);
  for (const end of ends.filter((each) => each < bytes.length - 1)) {
    const { stdout, stderr } = sh(bytes.subarray(0, end).toString());
    t.equal(stdout, "", `cut at ${end}`);
    for (const line of stderr.split("\n").filter((each) => each !== ""))
      t.match(line, /Syntax error|syntax error|unexpected|Unterminated|not found/, `cut at ${end}`);
  }
});

t.test("it calls no program that the smallest machine may lack", async (t) => {
  for (const name of [
    "awk",
    "sed",
    "grep",
    "find",
    "python3",
    "perl",
    "jq",
    "flock",
    "cmp",
    "xargs",
    "openssl",
    "wget",
  ]) {
    t.notMatch(
      SCRIPT.replaceAll(/^\s*#.*$/gm, ""),
      new RegExp(`(^|[|;&(\`]\\s*|\\b(then|do|else|if|while|until) )${name} `, "m"),
      name,
    );
  }
});

t.test("a token as an argument, whatever is before it, is refused before anything else", async (t) => {
  for (const args of [
    ["fettle1.abc.def.ghi"],
    ["--token-file", "fettle1.abc.def.ghi"],
    ["--mirror", "--x=fettle1.a"],
  ]) {
    const { status, stdout, stderr } = sh(SCRIPT, { args });
    t.match([status, stdout], [1, ""]);
    t.match(stderr, /never an argument[\s\S]*install\.token-in-argv/, args.join(" "));
    t.notMatch(stderr, "fettle1.a", "and is not repeated");
  }
});

t.test("options that it does not take are refused; --help is there; a template says that it is one", async (t) => {
  for (const args of [
    ["--frobnicate"],
    ["-x"],
    ["--coordinator"],
    ["--coordinator", "a'b"],
    ["--coordinator", "$(id)"],
    ["--release-key", "a b"],
  ]) {
    const { status, stderr } = sh(SCRIPT, { args, path: "/usr/bin:/bin" });
    t.equal(status, 1, args.join(" "));
    t.match(stderr, "install.usage");
  }
  t.match(sh(SCRIPT, { args: ["--help"], path: "/usr/bin:/bin" }), { status: 0, stdout: /--token-file FILE/ });
  t.match(sh(TEMPLATE, { path: "/usr/bin:/bin" }), { status: 1, stderr: /install\.not-filled-in/ });
});

t.test("the agent takes the agent.yaml that it writes", async (t) => {
  const yaml = (args: string): string => {
    const functions = SCRIPT.replace(/\{ main "\$@"; \}\n$/, "");
    const { status, stdout, stderr } = sh(`${functions}\nsettings\noptions ${args}\nagent_yaml\n`, {
      path: "/usr/bin:/bin",
    });
    t.match([status, stderr], [0, ""]);
    return stdout;
  };
  const plain = parseConfig("agent.yaml", yaml(""));
  t.same(plain.coordinators, [{ host: "172.31.11.1", port: 7444, apiPort: 7443 }]);
  t.match(plain.policy, { mirror: false, releaseKeys: [], ollama: { driver: "report", firstBootReboot: false } });
  const more = "--coordinator hq.example.com --coordinator 10.0.0.1:8444 --coordinator '[fd00::2]:7'";
  const full = parseConfig(
    "agent.yaml",
    yaml(`--mirror --driver-install --release-key AAAA --release-key BBBB ${more}`),
  );
  t.same(full.coordinators.slice(1), [
    { host: "hq.example.com", port: 7444, apiPort: 7443 },
    { host: "10.0.0.1", port: 8444, apiPort: 7443 },
    { host: "[fd00::2]", port: 7, apiPort: 7443 },
  ]);
  t.match(full.policy, {
    mirror: true,
    releaseKeys: ["AAAA", "BBBB"],
    ollama: { driver: "install", firstBootReboot: true },
  });
});

/** The script's functions, with a folder of the test in the place of /run and nothing to take back, and then `text`. */
function withFunctions(run: string, text: string): string {
  const functions = SCRIPT.replace(/\{ main "\$@"; \}\n$/, "");
  return `${functions}\nset -eu\nLC_ALL=C\nsettings\nwork=${run}/lock\nundo() { :; }\ntidy() { :; }\n${text}\n`;
}

/** All at once; what each said. */
async function together(count: number, text: string): Promise<string[]> {
  const running = Array.from({ length: count }, async () => {
    const child = spawn("/bin/sh", ["-c", text], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (said += data.toString()));
    await once(child, "close");
    return said;
  });
  return await Promise.all(running);
}

t.test("of six that begin at once one has the lock, whatever a dead run left; afterwards there is none", async (t) => {
  for (const [name, left] of [
    ["none", null],
    ["dead", "owner-999999999"],
    ["dead-without-process", "."],
  ] as const) {
    const run = join(folder, `run-${name}`);
    for (let round = 0; round < 5; round += 1) {
      mkdirSync(join(run, ...(left === null ? [] : ["lock", left])), { recursive: true });
      const said = await together(6, withFunctions(run, "begin; echo has it; sleep 0.5"));
      t.equal(said.filter((each) => each.includes("has it")).length, 1, said.join(""));
      t.equal(said.filter((each) => each.includes("install.busy")).length, 5, said.join(""));
      t.same(readdirSync(run), []);
    }
  }
});

t.test("a lock whose process lives stays", async (t) => {
  const run = join(folder, "run-busy");
  mkdirSync(join(run, "lock"), { recursive: true });
  writeFileSync(join(run, `lock/owner-${process.pid}`), "");
  const { status, stderr } = sh(withFunctions(run, "begin"), { path: "/usr/bin:/bin" });
  t.equal(status, 1);
  t.match(stderr, `(process ${process.pid})`);
  t.same(readdirSync(join(run, "lock")), [`owner-${process.pid}`]);
});

t.test("a reader that goes away in the middle does not end it in the middle", async (t) => {
  const run = join(folder, "run-pipe");
  mkdirSync(run);
  for (const end of ["| head -n 1", ">&-", ">/dev/full"]) {
    const text = withFunctions(run, `begin; for each in 1 2 3; do step "do $each"; sleep 0.1; done; : >${run}/end`);
    writeFileSync(join(folder, "pipe.sh"), text);
    const { stderr } = sh(`sh ${folder}/pipe.sh ${end}`, { path: "/usr/bin:/bin" });
    t.equal(stderr, "", end);
    t.same(readdirSync(run), ["end"], end);
    rmSync(join(run, "end"));
  }
});

t.test("a token with what editors put around it is the token; what is no file says so", async (t) => {
  const token = `fettle1.${"p".repeat(43)}.0123456789abcdef.${"s".repeat(43)}`;
  const file = join(folder, "token");
  const take = (text: string) =>
    sh(withFunctions(folder, `${text}\ntake_token\nprintf '<%s>' "$token"`), { path: "/usr/bin:/bin" });
  for (const around of [token, `${token}\n`, `${token}\r\n`, `\ufeff${token}\n`, ` ${token} \n\n`]) {
    writeFileSync(file, around, { mode: 0o600 });
    t.equal(take(`token_file=${file}`).stdout, `<${token}>`, JSON.stringify(around));
    t.equal(take(`FETTLE_TOKEN='${around}'`).stdout, `<${token}>`, JSON.stringify(around));
  }
  t.match(take(`token_file=${folder}/none`).stderr, /no file[\s\S]*install\.no-token/);
  t.match(take(`token_file=${folder}`).stderr, /is a folder[\s\S]*install\.no-token/);
  writeFileSync(file, "");
  t.match(take(`token_file=${file}`).stderr, /no token in[\s\S]*install\.no-token/);
});

/** The agent's program on a machine that is enrolled as old-1; a token with `good` in it makes it new-1. */
const enrolledAgent = (status: string, data: string): string => `#!/bin/sh
case $1 in
  status) printf '%s\\n' '${status}' ;;
  enrol) case $(cat) in
    *good*) printf '{\\n  "node": "new-1",\\n}\\n' >${data}/identity.json ;;
    *) echo 'fettle-agent: the token was used already'; exit 1 ;;
  esac ;;
esac
`;
const link = (state: string, more = "") => `{\n  "link": {\n    "state": "${state}"\n  }${more}\n}`;

t.test("an enrolled machine takes a token when it is not let in or is a copy, and else stays what it is", async (t) => {
  const copy = link("connected", ',\n  "observing": {\n    "code": "identity.other-machine"\n  }');
  const cases = [
    { status: link("connected"), word: "good", node: "old-1", changed: "no" },
    { status: link("waiting"), word: "good", node: "new-1", changed: "yes" },
    { status: copy, word: "good", node: "new-1", changed: "yes" },
    { status: copy, word: "used", node: "old-1", changed: "no" },
    { status: "", word: "", node: "old-1", changed: "no" },
  ];
  const data = join(folder, "data");
  mkdirSync(data);
  for (const { status, word, node, changed } of cases) {
    writeFileSync(join(data, "agent"), enrolledAgent(status, data), { mode: 0o755 });
    writeFileSync(join(data, "identity.json"), '{\n  "node": "old-1",\n}\n');
    const token = word === "" ? "" : `fettle1.${"p".repeat(43)}.0123456789abcdef.${word}`;
    const state = `command=${data}/agent; identity=${data}/identity.json; enrolled=yes; node=old-1`;
    const steps = `FETTLE_TOKEN='${token}'; see_again; take_token </dev/null; enrol_step >&2; echo "$node $changed"`;
    const { stdout, stderr } = sh(withFunctions(data, `mkdir -p "$work"; ${state}; ${steps}`), {
      path: "/usr/bin:/bin",
    });
    t.equal(stdout, `${node} ${changed}\n`, `${status} ${word}`);
    t.equal(/not taken in by that token: .*used already/.test(stderr), word === "used", stderr);
  }
});

t.test("it ends with 3 when a token will never do, and with 1 when another try may help", async (t) => {
  const data = join(folder, "refused");
  mkdirSync(data);
  for (const [code, status] of [
    ["identity.token-used", 3],
    ["identity.token-expired", 3],
    ["identity.token-other-instance", 3],
    ["identity.node-exists", 1],
    ["store.busy", 1],
  ] as const) {
    writeFileSync(join(data, "agent"), `#!/bin/sh\necho 'refused (HTTP 409): because [${code}].'; exit 1\n`, {
      mode: 0o755,
    });
    const state = `command=${data}/agent; data=${data}/none; host=h; api_port=1; token=t; made=''`;
    const ended = sh(withFunctions(data, `mkdir -p "$work"; ${state}; enrol_step >&2`), { path: "/usr/bin:/bin" });
    t.equal(ended.status, status, `${code}: ${ended.stderr}`);
    t.match(ended.stderr, code);
  }
});

t.test("shellcheck finds nothing in the scripts of deploy/", async (t) => {
  for (const name of ["install.sh", "install-coordinator.sh", "agent-uninstall.sh"]) {
    const path = new URL(`../../../deploy/${name}`, import.meta.url).pathname;
    const { error, stdout } = spawnSync("shellcheck", [path], { encoding: "utf8" });
    if (error !== undefined) return t.pass("there is no shellcheck here");
    t.equal(stdout, "", name);
  }
  return undefined;
});

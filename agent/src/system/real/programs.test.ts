import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { realExec as exec } from "./exec.ts";
import { realProc } from "./proc.ts";
import { realPty as pty } from "./pty.ts";

const root = mkdtempSync(join(tmpdir(), "fettle-real-programs-"));
t.teardown(() => rmSync(root, { recursive: true, force: true }));

const sh = (script: string) => ["/bin/sh", "-c", script];

const runs = [
  { name: "both outputs and the exit code", argv: sh("echo out; echo err >&2; exit 3"), result: [3, "out\n", "err\n"] },
  { name: "input", argv: ["cat"], stdin: "héllo", result: [0, "héllo", ""] },
  { name: "input that nobody reads", argv: ["true"], stdin: "x".repeat(1_000_000), result: [0, "", ""] },
  { name: "arguments as they are", argv: ["printf", "%s|", "a b", "$HOME", "*", ""], result: [0, "a b|$HOME|*||", ""] },
  { name: "a program that a signal ended", argv: sh("kill -9 $$"), result: [null, "", ""] },
  { name: "the folder / and no input", argv: sh("pwd; cat"), result: [0, "/\n", ""] },
] as const;

for (const { name, argv, result, ...more } of runs) {
  t.test(`exec: ${name}`, async (t) => {
    const got = await exec.run(argv, { timeoutMs: 10_000, ...more });
    t.same([got.code, got.stdout, got.stderr], result);
    t.equal(got.timedOut, false);
  });
}

t.test("exec: the environment is PATH, LANG and what was given", async (t) => {
  process.env.FETTLE_CANARY = "leaked";
  const { stdout } = await exec.run(["env", "-0"], { timeoutMs: 10_000, env: { CASE: "1" } });
  // The test runner adds variables of its own to every child.
  const names = stdout
    .split("\0")
    .filter((line) => line !== "" && !/^(_?TAP|NODE_OPTIONS=)/.test(line))
    .sort();
  t.same(names, ["CASE=1", "LANG=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
});

t.test("exec: what is more than maxBytes is read and dropped", async (t) => {
  const { code, stdout } = await exec.run(sh("head -c 3000000 /dev/zero | tr '\\0' x"), {
    timeoutMs: 10_000,
    maxBytes: 10,
  });
  t.same([code, stdout], [0, "xxxxxxxxxx"]);
});

t.test("exec: a program that cannot be started", async (t) => {
  writeFileSync(join(root, "plain"), "");
  chmodSync(join(root, "plain"), 0o644);
  await t.rejects(exec.run(["no-such-program"], { timeoutMs: 1_000 }), { code: "ENOENT" });
  await t.rejects(exec.run(["/no/such/program"], { timeoutMs: 1_000 }), { code: "ENOENT" });
  await t.rejects(exec.run([join(root, "plain")], { timeoutMs: 1_000 }), { code: "EACCES" });
  await t.rejects(exec.run(["../bin/sh"], { timeoutMs: 1_000 }), { code: "ENOENT" });
  await t.rejects(exec.run([], { timeoutMs: 1_000 }), { code: "ENOENT" });
});

t.test("find", async (t) => {
  t.match(await exec.find("sh"), /\/bin\/sh$/);
  t.equal(await exec.find("/bin/sh"), "/bin/sh");
  t.equal(await exec.find("no-such-program"), null);
  t.equal(await exec.find("../bin/sh"), null);
});

/** Started by each way to run a program; what it left running is looked for by the mark in its environment. */
const endings = [
  { name: "the group goes with the time", script: "sleep 300 & sleep 300", end: "time", timedOut: true, within: 1_500 },
  {
    name: "one that ignores SIGTERM is killed",
    script: "trap '' TERM; sleep 300 & wait; sleep 300",
    end: "time",
    timedOut: true,
    within: 4_000,
  },
  {
    name: "the group goes with the signal",
    script: "sleep 300 & sleep 300",
    end: "signal",
    timedOut: false,
    within: 1_500,
  },
  {
    name: "a child that ignores SIGTERM goes with its parent",
    script: "(trap '' TERM; sleep 300) & sleep 300",
    end: "time",
    timedOut: true,
    within: 4_000,
  },
] as const;

for (const way of ["exec", "pty"] as const) {
  for (const [index, { name, script, end, timedOut, within }] of endings.entries()) {
    t.test(`${way}: ${name}`, async (t) => {
      const env = { FETTLE_CASE: `${process.pid}-${way}-${index}` };
      const signal = end === "signal" ? AbortSignal.timeout(300) : AbortSignal.timeout(60_000);
      const options = { timeoutMs: end === "time" ? 300 : 60_000, signal, env, onData: () => undefined };
      const begun = performance.now();
      const result = await (way === "exec" ? exec : pty).run(sh(script), options);
      t.match(result, { code: null, timedOut });
      t.ok(performance.now() - begun < within, `ended within ${within} ms`);
      t.same(await marked(env.FETTLE_CASE), [], "nothing is left running");
    });
  }
}

t.test("exec: a child left behind holds up nothing and lives", async (t) => {
  const begun = performance.now();
  const mark = `${process.pid}-left`;
  const { code, stdout } = await exec.run(sh("echo done; sleep 300 &"), {
    timeoutMs: 20_000,
    env: { FETTLE_CASE: mark },
  });
  t.same([code, stdout], [0, "done\n"]);
  t.ok(performance.now() - begun < 3_000);
  const left = await marked(mark);
  t.equal(left.length, 1, "it was not the run's to kill");
  for (const pid of left) process.kill(pid, "SIGKILL");
});

t.test("exec and pty: a signal that has fired starts nothing", async (t) => {
  const signal = AbortSignal.abort();
  const argv = sh(`touch ${root}/started`);
  t.equal((await exec.run(argv, { timeoutMs: 1_000, signal })).code, null);
  t.equal((await pty.run(argv, { timeoutMs: 1_000, signal, onData: () => undefined })).code, null);
  t.equal((await exec.run(["ls", root], { timeoutMs: 1_000 })).stdout.includes("started"), false);
});

t.test("pty: a terminal, its output and the exit code", async (t) => {
  let shown = "";
  const onData = (text: string) => {
    shown += text;
  };
  const script = "test -t 0 && test -t 1 && test -t 2 && echo 'a terminal ü'; stty size; env; exit 4";
  t.same(await pty.run(sh(script), { timeoutMs: 10_000, onData, env: { CASE: "1" } }), { code: 4, timedOut: false });
  t.match(shown, "a terminal ü\r\n50 200\r\n");
  t.match(shown, "CASE=1");
  t.notMatch(shown, "FETTLE_CANARY");
  await t.rejects(pty.run(["/no/such/program"], { timeoutMs: 1_000, onData }), { code: "ENOENT" });
});

t.test("pty: all of a long output comes", async (t) => {
  let bytes = 0;
  const onData = (text: string) => {
    bytes += text.length;
  };
  await pty.run(sh("head -c 500000 /dev/zero | tr '\\0' x"), { timeoutMs: 10_000, onData });
  t.equal(bytes, 500_000);
});

t.test("proc: environment, command, tree and CPU time of a process", async (t) => {
  const mark = `${process.pid}-proc`;
  const busy = "while :; do :; done";
  const run = exec.run(sh(`sh -c 'sleep 300' & sh -c '${busy}'`), { timeoutMs: 1_500, env: { FETTLE_CASE: mark } });
  await new Promise((resolve) => setTimeout(resolve, 700));
  const [top = 0] = await marked(mark);
  const tree = await realProc.tree(top);
  t.same([...tree].sort(), [...(await marked(mark))].sort(), "the tree is all of them");
  t.equal((await realProc.environ(top))?.FETTLE_CASE, mark);
  t.match(await realProc.command(top), /^\/bin\/sh -c sh -c 'sleep 300' & sh -c/);
  const used = await Promise.all(tree.map((pid) => realProc.cpuMs(pid)));
  t.ok(
    used.some((ms) => (ms ?? 0) > 200 && (ms ?? 0) < 1_500),
    `one of them is busy: ${used}`,
  );
  await run;
  t.same(await realProc.tree(top), []);
  t.same([await realProc.environ(top), await realProc.cpuMs(top), await realProc.command(top)], [null, null, null]);
});

t.test("proc: a long command line is cut", async (t) => {
  const mark = `${process.pid}-long`;
  const argv = sh(`sleep 0.7; : ${"0".repeat(500)}`);
  const run = exec.run(argv, { timeoutMs: 5_000, env: { FETTLE_CASE: mark } });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const [pid = 0] = await marked(mark);
  t.equal((await realProc.command(pid))?.length, 300);
  await run;
});

/** The processes that carry the mark, oldest first. */
async function marked(mark: string): Promise<readonly number[]> {
  const { stdout } = await exec.run(
    ["sh", "-c", 'grep -lz "^FETTLE_CASE=$1\\$" /proc/[0-9]*/environ 2>/dev/null', "sh", mark],
    { timeoutMs: 10_000 },
  );
  const pids = stdout.trim().split("\n").filter(Boolean);
  return pids.map((path) => Number(path.split("/")[2])).sort((a, b) => a - b);
}

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";

const SCRIPT = readFileSync(new URL("../../../deploy/install-coordinator.sh", import.meta.url), "utf8");

const folder = mkdtempSync(join(tmpdir(), "fettle-coordinator-script-"));
t.teardown(() => rmSync(folder, { recursive: true }));

/** Runs a piece of it without any program: what is called that is no builtin is not found. */
function sh(text: string, args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const file = join(folder, "script");
  writeFileSync(file, text);
  return spawnSync("/bin/sh", [file, ...args], { cwd: folder, env: { PATH: "/nowhere" }, encoding: "utf8" });
}

t.test("cut at every 512th byte and at each byte of the last line, it does nothing", async (t) => {
  t.match(SCRIPT, /\n\{ main "\$@"; \}\n$/);
  const bytes = Buffer.from(SCRIPT);
  const steps = Array.from({ length: Math.floor(bytes.length / 512) }, (_, index) => (index + 1) * 512);
  const last = Array.from({ length: 40 }, (_, index) => bytes.length - 2 - index);
  for (const end of new Set([0, ...steps, ...last])) {
    const { stdout, stderr } = sh(bytes.subarray(0, end).toString(), ["--bogus"]);
    t.equal(stdout, "", `cut at ${end}`);
    t.notMatch(stderr, "fettle-install:", `cut at ${end}`);
  }
});

/** Arguments, and the code that they are refused with. */
const REFUSED: readonly (readonly [readonly string[], string])[] = [
  [["--bogus"], "install.usage"],
  [["--listen"], "install.usage"],
  [["a.tar.gz", "--listen", "--dry-run"], "install.usage"],
  [["a.tar.gz", "--name", "a b"], "install.usage"],
  [["a.tar.gz", "--name", "$(id)"], "install.usage"],
  [["a.tar.gz", "b.tar.gz"], "install.usage"],
  [["a.tar.gz"], "install.not-root"],
];

t.test("what is not understood is refused before anything is looked at", async (t) => {
  for (const [args, code] of REFUSED) {
    const { status, stderr } = sh(SCRIPT, args);
    t.equal(status, 1, args.join(" "));
    t.match(stderr, new RegExp(`\\(${code.replace(".", "\\.")}\\)`), args.join(" "));
  }
});

t.test(
  "when nobody listens any more it ends and takes back what it did: the admin's token would be lost",
  async (t) => {
    const functions = SCRIPT.replace(/\{ main "\$@"; \}\n$/, "");
    const run = join(folder, "run");
    const text = `${functions}\nset -eu\nsettings\nwork=${run}/lock\nundo() { : >${run}/undone; }\nbegin\n`;
    const steps = `for each in 1 2 3; do step "do $each"; sleep 0.2; done; : >${run}/end\n`;
    for (const end of ["| head -n 1", ">&-", ">/dev/full"]) {
      mkdirSync(run);
      writeFileSync(join(folder, "steps"), text + steps);
      spawnSync("/bin/sh", ["-c", `sh ${folder}/steps ${end}`], { encoding: "utf8" });
      t.same(readdirSync(run), ["undone"], end);
      rmSync(run, { recursive: true });
    }
  },
);

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { userData } from "./user-data.ts";

const ID = "0123456789abcdef";
const TOKEN = `fettle1.${"p".repeat(43)}.${ID}.${"s".repeat(43)}`;
const TEXT = userData({
  node: "gateway-1",
  roles: ["gateway"],
  pin: `sha256//${"A".repeat(43)}=`,
  url: "https://172.31.11.1:7443/install.sh",
  token: TOKEN,
  id: ID,
  until: "2026-11-25T09:36:45Z",
});

interface Boot {
  /** Exit codes of the install script, one for each time that it is run; curl's own, in brackets, where it fails. */
  readonly ends: readonly string[];
  /** Which token an earlier boot was through with. */
  readonly through?: string;
  /** Seconds that each wait takes. */
  readonly waitS?: number;
}

/** Runs it with programs of ours in the place of curl, sleep and the clock, and a folder in the place of the disk. */
function boot({ ends, through, waitS = 10 }: Boot) {
  const folder = mkdtempSync(join(tmpdir(), "fettle-first-boot-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  for (const name of ["bin", "run", "ends"]) mkdirSync(path(name));
  if (through !== undefined) writeFileSync(path("first-boot"), `${through}\n`);
  writeFileSync(path("uptime"), "100.00 7.00\n");
  for (const [index, end] of ends.entries()) writeFileSync(path(`ends/${index}`), end);
  const program = (name: string, text: string) => {
    writeFileSync(path(`bin/${name}`), `#!/bin/sh\n${text}\n`);
    chmodSync(path(`bin/${name}`), 0o755);
  };
  program(
    "sleep",
    `now=$(cut -d . -f 1 ${path("uptime")}); echo "$((now + ${waitS})).00" >${path("uptime")}; echo x >>${path("waits")}`,
  );
  program(
    "curl",
    `next=$(ls ${path("ends")} | head -n 1); end=$(cat "${path("ends")}/$next"); rm "${path("ends")}/$next"
case $end in '('*) exec false ;; esac
for word; do [ "$last" != -o ] || file=$word; last=$word; done
printf 'cat "$2" >%s; stat -c %%a "$2" >%s; exit %s\\n' ${path("token")} ${path("mode")} "$end" >"$file"`,
  );
  const text = TEXT.replaceAll("/var/lib/fettle-agent", folder).replaceAll("/run/", `${path("run")}/`);
  const script = text.replaceAll("/proc/uptime", path("uptime"));
  // As a cloud's agent runs it: no home, no terminal, nothing to read.
  const env = { PATH: `${path("bin")}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const { status, stdout } = spawnSync("sh", ["-c", script], {
    env,
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  const read = (name: string) => (existsSync(path(name)) ? readFileSync(path(name), "utf8") : "");
  const waits = read("waits").split("\n").length - 1;
  return {
    status,
    stdout,
    waits,
    token: read("token"),
    through: read("first-boot"),
    mode: read("mode").trim(),
    left: readdirSync(path("run")),
    unused: readdirSync(path("ends")).length,
  };
}

/** What came of it, as far as it is asked for. */
function comes(t: Test, of: Boot, expected: Partial<ReturnType<typeof boot>>): void {
  const came = boot(of);
  t.same({ ...came, ...expected }, came);
}

t.test("a first boot installs; the token is in a file for root alone, and gone afterwards", async (t) => {
  comes(t, { ends: ["0"] }, { status: 0, waits: 0, token: TOKEN, mode: "600", left: [], through: `${ID}\n` });
});

t.test("what may come right is tried again", async (t) => {
  comes(t, { ends: ["(7)", "1", "(28)", "0"] }, { status: 0, waits: 3, unused: 0, left: [], through: `${ID}\n` });
});

t.test("a token that will never do is not", async (t) => {
  comes(t, { ends: ["(7)", "3", "0"] }, { status: 1, waits: 1, unused: 1, left: [], through: "" });
});

t.test("it gives up after half an hour, and says how to try again", async (t) => {
  const tried: Boot = { ends: Array.from({ length: 9 }, () => "1"), waitS: 600 };
  comes(t, tried, { status: 1, waits: 3, unused: 5, left: [], through: "" });
  t.match(boot(tried).stdout, /not installed after 30 minutes.*try again/);
});

t.test("a later boot does nothing with the token that this is through with", async (t) => {
  comes(t, { ends: ["0"], through: ID }, { status: 0, unused: 1, token: "", left: [] });
});

t.test("a disk that was copied from another machine is through with that one's", async (t) => {
  const other = "fedcba9876543210";
  comes(t, { ends: ["0"], through: other }, { status: 0, unused: 0, token: TOKEN, through: `${ID}\n` });
});

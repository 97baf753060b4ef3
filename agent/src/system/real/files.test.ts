import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { realFiles as files } from "./files.ts";
import { watchFiles } from "./watch-files.ts";

const root = mkdtempSync(join(tmpdir(), "fettle-real-files-"));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A folder of the test's own. */
function folder(): string {
  folders += 1;
  const path = join(root, String(folders));
  mkdirSync(path);
  return path;
}

t.test("writeAtomic makes folders, sets the mode whatever the umask is, and leaves no other file", async (t) => {
  const path = join(folder(), "a/b/c.conf");
  const before = process.umask(0o077);
  await files.writeAtomic(path, "one", { mode: 0o640 });
  process.umask(before);
  t.equal(readFileSync(path, "utf8"), "one");
  t.equal((await files.stat(path))?.mode, 0o640);
  t.equal((await files.stat(join(path, "..")))?.mode, 0o755);
  await files.writeAtomic(path, new TextEncoder().encode("two"), { mode: 0o600 });
  t.equal(readFileSync(path, "utf8"), "two");
  t.equal((await files.stat(path))?.mode, 0o600);
  t.same(await files.list(join(path, "..")), ["c.conf"]);
});

t.test("writeAtomic at once to one path ends with one of them whole", async (t) => {
  const path = join(folder(), "f");
  const texts = Array.from({ length: 8 }, (_, index) => String(index).repeat(100_000));
  await Promise.all(texts.map((text) => files.writeAtomic(path, text, { mode: 0o600 })));
  t.equal(readFileSync(path, "utf8"), texts.at(-1));
  t.same(await files.list(join(path, "..")), ["f"]);
});

t.test("writeAtomic replaces a link and a stale temporary file, and writes through neither", async (t) => {
  const home = folder();
  const victim = join(home, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, join(home, "f"));
  symlinkSync(victim, join(home, ".f.fettle-new"));
  await files.writeAtomic(join(home, "f"), "new", { mode: 0o600 });
  t.equal(readFileSync(victim, "utf8"), "untouched");
  t.equal((await files.stat(join(home, "f")))?.kind, "file");
});

t.test("writeAtomic that fails leaves the old file and nothing else", async (t) => {
  const home = folder();
  mkdirSync(join(home, "f/x"), { recursive: true });
  await t.rejects(files.writeAtomic(join(home, "f"), "new", { mode: 0o600 }), { code: "EISDIR" });
  t.same(readdirSync(home), ["f"]);
});

t.test("a writer killed again and again leaves the old or the new text", { timeout: 60_000 }, async (t) => {
  const path = join(folder(), "f");
  const source = `
    import { realFiles } from ${JSON.stringify(join(import.meta.dirname, "files.ts"))};
    process.stdout.write("ready");
    for (let i = 0; ; i++) await realFiles.writeAtomic(${JSON.stringify(path)}, String(i % 10).repeat(300000), { mode: 0o600 });`;
  await files.writeAtomic(path, "0".repeat(300_000), { mode: 0o600 });
  for (let round = 0; round < 5; round += 1) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, 20 + 17 * round));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    const text = readFileSync(path, "utf8");
    t.match(text, /^(\d)\1{299999}$/, "the text is whole");
  }
  await files.writeAtomic(path, "last", { mode: 0o600 });
  t.same(await files.list(join(path, "..")), ["f"], "what the killed one left is gone");
});

t.test("readText", async (t) => {
  const home = folder();
  writeFileSync(join(home, "f"), "größer");
  execFileSync("mkfifo", [join(home, "fifo")]);
  t.equal(await files.readText(join(home, "f")), "größer");
  t.equal(await files.readText(join(home, "f"), 8), "größer");
  await t.rejects(files.readText(join(home, "f"), 7), { code: "EFBIG" });
  t.equal(await files.readText(join(home, "none")), null);
  t.equal(await files.readText(join(home, "f/below")), null);
  t.match(await files.readText("/proc/self/status"), /^Name:/, "a file that says its size is 0");
  t.equal(await files.readText(join(home, "fifo")), "", "a fifo does not hold it up");
  await t.rejects(files.readText(home), { code: "EISDIR" });
});

t.test("stat, list, link, readLink, rename, remove, makeFolder", async (t) => {
  const home = folder();
  await files.link("/nowhere", join(home, "l"));
  t.equal((await files.stat(join(home, "l")))?.kind, "link");
  t.equal(await files.readLink(join(home, "l")), "/nowhere");
  await files.link("/elsewhere", join(home, "l"));
  t.equal(await files.readLink(join(home, "l")), "/elsewhere");
  await files.rename(join(home, "l"), join(home, "m"));
  t.same(await files.list(home), ["m"]);
  t.equal(await files.readLink(home), null);
  t.equal(await files.readLink(join(home, "none")), null);
  await files.remove(join(home, "m"));
  await files.remove(join(home, "m"));
  t.same(await files.list(home), []);
  t.equal(await files.list(join(home, "none")), null);
  t.equal(await files.stat(join(home, "none")), null);
  await files.makeFolder(join(home, "d/e"), { mode: 0o750 });
  await files.makeFolder(join(home, "d/e"), { mode: 0o700 });
  t.equal((await files.stat(join(home, "d/e")))?.mode, 0o700);
  symlinkSync(home, join(home, "to"));
  await t.rejects(files.makeFolder(join(home, "to"), { mode: 0o777 }), "a link is not taken for the folder");
});

t.test("removeTree follows no link", async (t) => {
  const home = folder();
  mkdirSync(join(home, "keep/deep"), { recursive: true });
  writeFileSync(join(home, "keep/deep/f"), "");
  mkdirSync(join(home, "go/a/b"), { recursive: true });
  writeFileSync(join(home, "go/a/b/f"), "");
  symlinkSync(join(home, "keep"), join(home, "go/a/out"));
  symlinkSync(join(home, "keep"), join(home, "link"));
  await files.removeTree(join(home, "go"));
  await files.removeTree(join(home, "link"));
  await files.removeTree(join(home, "none/below"));
  t.same(readdirSync(home), ["keep"]);
  t.ok(existsSync(join(home, "keep/deep/f")));
  for (const path of ["/", "/etc", "/usr/..", "/usr/../etc/"]) {
    await t.rejects(files.removeTree(path), { code: "EPERM" }, `${path} is refused`);
  }
});

t.test("space, for a path that is not there too, and sha256", async (t) => {
  const home = folder();
  const here = await files.space(home);
  const below = await files.space(join(home, "not/there/yet"));
  t.equal(below.totalBytes, here.totalBytes);
  t.ok(here.freeBytes > 0 && here.totalInodes >= here.freeInodes);
  writeFileSync(join(home, "f"), "abc");
  t.equal(await files.sha256(join(home, "f")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  t.equal(await files.sha256(join(home, "none")), null);
  await t.rejects(files.sha256(join(home, "f"), AbortSignal.abort()), { name: "AbortError" });
});

t.test("a fifo", async (t) => {
  const path = join(folder(), "token");
  await files.makeFifo(path, 0o600);
  t.match(await files.stat(path), { kind: "fifo", mode: 0o600 });
  const read = files.readFifo(path, 1_000, AbortSignal.timeout(10_000));
  spawn("sh", ["-c", `sleep 0.2; { printf sec; sleep 0.2; printf ret; } > ${path}`]);
  t.equal(await read, "secret", "the whole of what a slow writer wrote");
  await t.rejects(files.readFifo(path, 1_000, AbortSignal.timeout(200)), { name: "TimeoutError" }, "no writer");
  spawn("sh", ["-c", `head -c 5000 /dev/zero > ${path}`]);
  await t.rejects(files.readFifo(path, 1_000, AbortSignal.timeout(10_000)), { code: "EFBIG" });
  await t.rejects(files.readFifo(join(path, "../none"), 10, AbortSignal.timeout(1_000)), { code: "ENOENT" });
  writeFileSync(join(path, "../file"), "");
  await t.rejects(files.readFifo(join(path, "../file"), 10, AbortSignal.timeout(1_000)), { code: "EINVAL" });
});

/** What happens to a watched path, step by step; each step is to be heard. */
interface Story {
  readonly name: string;
  readonly watched: string;
  readonly before?: readonly string[];
  readonly steps: readonly string[];
}

const stories: readonly Story[] = [
  { name: "a file is written to", watched: "f", before: ["touch f"], steps: ["echo x > f", "echo y >> f"] },
  {
    name: "a file is replaced, twice",
    watched: "f",
    before: ["touch f"],
    steps: ["touch g && mv g f", "touch g && mv g f"],
  },
  { name: "a file goes and comes", watched: "f", before: ["touch f"], steps: ["rm f", "touch f", "echo x > f"] },
  { name: "a file appears", watched: "f", steps: ["touch f", "echo x > f"] },
  { name: "something in a folder", watched: "d", before: ["mkdir d"], steps: ["touch d/f", "echo x > d/f", "rm d/f"] },
  {
    name: "a folder is removed and made again, twice",
    watched: "d",
    before: ["mkdir d"],
    steps: ["rm -r d", "mkdir d", "touch d/f", "rm -r d", "mkdir d", "touch d/f"],
  },
  {
    name: "a folder is swapped",
    watched: "d",
    before: ["mkdir d"],
    steps: ["mkdir e && mv d x && mv e d", "touch d/f"],
  },
  {
    name: "a path appears step by step",
    watched: "a/b/c",
    steps: ["mkdir a", "mkdir a/b", "touch a/b/c", "echo x > a/b/c"],
  },
  { name: "a path appears at once", watched: "a/b/c", steps: ["mkdir -p a/b/c", "touch a/b/c/f"] },
  {
    name: "a grandparent moves away and another comes",
    watched: "a/b/c",
    before: ["mkdir -p a/b", "touch a/b/c"],
    steps: ["mv a z", "mkdir -p a/b && touch a/b/c", "echo x > a/b/c"],
  },
  {
    name: "a link above is turned",
    watched: "current/f",
    before: ["mkdir 1 2", "ln -s 1 current"],
    steps: ["ln -sfn 2 current", "touch 2/f"],
  },
];

for (const { name, watched, before = [], steps } of stories) {
  t.test(`a watch hears: ${name}`, async (t) => {
    const home = folder();
    const act = (command: string) => execFileSync("sh", ["-c", command], { cwd: home });
    for (const command of before) act(command);
    let heard = 0;
    const end = watchFiles([join(home, watched)], (path) => {
      t.equal(path, join(home, watched));
      heard += 1;
    });
    for (const step of steps) {
      const already = heard;
      act(step);
      await until(() => heard > already);
      t.ok(heard > already, step);
      await quiet(() => heard);
    }
    end();
    const already = heard;
    act(`touch other; rm -rf ${watched}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.equal(heard, already, "nothing is heard after the end");
  });
}

t.test("a watch does not hear its neighbours", async (t) => {
  const home = folder();
  mkdirSync(join(home, "a"));
  writeFileSync(join(home, "a/f"), "");
  let heard = 0;
  const end = watchFiles([join(home, "a/f")], () => {
    heard += 1;
  });
  writeFileSync(join(home, "a/g"), "");
  writeFileSync(join(home, "h"), "");
  rmSync(join(home, "a/g"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(heard, 0);
  end();
  t.ok(lstatSync(join(home, "a/f")));
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !holds(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Waits until a step's last event has come, so that it is not taken for the next step's. */
async function quiet(count: () => number): Promise<void> {
  for (let last = -1; last !== count(); ) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

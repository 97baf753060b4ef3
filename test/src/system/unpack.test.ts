import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, zstdCompressSync } from "node:zlib";
import { realArchives } from "@fettle/agent/system/real/archives.ts";
import t from "tap";
import { type Entry, ustar } from "../stand-ins/ollama/ustar.ts";

interface Unpacked {
  readonly status: number | null;
  readonly said: string;
}

/** Runs the program as its unit would, with this on its standard input. */
async function unpack(into: string, archive: Readable): Promise<Unpacked> {
  const { argv } = realArchives.unpackUnit({ unit: "x", archive: "/x", into, user: "nobody" });
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: {} });
  let said = "";
  for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  // A program that refuses ends before it has read everything.
  await pipeline(archive, child.stdin).catch(() => undefined);
  return { status: await ended, said };
}

function compressed(entries: readonly Entry[], change: (tar: Buffer) => void = () => undefined): Promise<Readable> {
  return Readable.from(ustar(entries))
    .toArray()
    .then((pieces) => {
      const tar = Buffer.concat(pieces as Buffer[]);
      change(tar);
      return Readable.from([tar]).pipe(createZstdCompress());
    });
}

/** Another kind of entry than the writer knows: the header's type, and its sum made right again. */
function retype(tar: Buffer, type: string): void {
  tar.write(type, 156);
  tar.write("        ", 148);
  const sum = tar.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

interface Place {
  readonly folder: string;
  readonly into: string;
}

function place(t: { teardown(end: () => void): void }): Place {
  const folder = mkdtempSync(join(tmpdir(), "ftu-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const into = join(folder, "a/into");
  mkdirSync(into, { recursive: true });
  return { folder, into };
}

t.test("files, folders and links, with plain modes and a manifest", async (t) => {
  const { into } = place(t);
  const entries: Entry[] = [
    { path: "./bin/" },
    { path: "./bin/program", content: "run", mode: 0o4755 },
    { path: "lib/deep/er/data", content: "x".repeat(100_000), mode: 0o600 },
    { path: "lib/link", link: "deep/er/data" },
    { path: "lib/up", link: "../bin/program" },
    { path: "__proto__", content: "a name like any other" },
  ];
  const { status, said } = await unpack(into, await compressed(entries));
  t.equal(status, 0, said);
  t.match(said, /^unpacked \d+ of \d+$/m);
  t.equal(lstatSync(join(into, "bin/program")).mode & 0o7777, 0o755, "no setuid");
  t.equal(lstatSync(join(into, "lib/deep/er/data")).mode & 0o7777, 0o644);
  t.equal(readlinkSync(join(into, "lib/up")), "../bin/program");
  const manifest = JSON.parse(readFileSync(join(into, "manifest.json"), "utf8"));
  t.same(Object.keys(manifest.files).sort(), ["__proto__", "bin/program", "lib/deep/er/data"]);
  t.same(manifest.links, { "lib/link": "deep/er/data", "lib/up": "../bin/program" });
});

const hostile: ReadonlyArray<{ name: string; entries: Entry[]; type?: string; why: RegExp }> = [
  { name: "a name that climbs out", entries: [{ path: "../evil", content: "x" }], why: /leads out/ },
  { name: "a name that climbs out in the middle", entries: [{ path: "a/../../evil", content: "x" }], why: /leads out/ },
  { name: "a name from the root", entries: [{ path: "/tmp/ftu-evil", content: "x" }], why: /leads out/ },
  { name: "a link that climbs out", entries: [{ path: "a", link: "../../evil" }], why: /leads out/ },
  { name: "a link to the root", entries: [{ path: "a", link: "/etc" }], why: /leads out/ },
  {
    name: "a file through a link",
    entries: [{ path: "dir/" }, { path: "a", link: "dir" }, { path: "a/evil", content: "x" }],
    why: /not a folder/,
  },
  {
    name: "a file over a link",
    entries: [
      { path: "a", link: "b" },
      { path: "a", content: "x" },
    ],
    why: /twice/,
  },
  {
    name: "a folder over a file",
    entries: [
      { path: "a", content: "x" },
      { path: "a/b", content: "x" },
    ],
    why: /not a folder/,
  },
  { name: "our own manifest", entries: [{ path: "manifest.json", content: "{}" }], why: /twice/ },
  { name: "a hard link", entries: [{ path: "a", link: "b" }], type: "1", why: /Link/ },
  { name: "a device", entries: [{ path: "a" }], type: "3", why: /CharacterDevice/ },
  { name: "a fifo", entries: [{ path: "a" }], type: "6", why: /FIFO/ },
  { name: "nothing at all", entries: [], why: /Unrecognized/ },
];

for (const { name, entries, type, why } of hostile)
  t.test(`refused: ${name}`, async (t) => {
    const { folder, into } = place(t);
    const { status, said } = await unpack(into, await compressed(entries, (tar) => type && retype(tar, type)));
    t.equal(status, 1);
    t.match(said, /^unpack: /m);
    t.match(said, why);
    t.notOk(existsSync(join(into, "manifest.json")), "it does not pass for whole");
    t.same([readdirSync(folder), readdirSync(join(folder, "a"))], [["a"], ["into"]], "nothing outside");
    t.notOk(existsSync("/tmp/ftu-evil"));
  });

t.test("refused: what is no archive, or a part of one", async (t) => {
  const whole = zstdCompressSync(
    Buffer.concat((await Readable.from(ustar([{ path: "a", content: "x".repeat(9_000) }])).toArray()) as Buffer[]),
  );
  const cases = {
    "not compressed": Buffer.alloc(5_000, "x"),
    "cut short": whole.subarray(0, whole.length - 8),
    nothing: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const { into } = place(t);
    const { status, said } = await unpack(into, Readable.from([bytes]));
    t.equal(status, 1, name);
    t.match(said, /^unpack: /m, name);
    t.notOk(existsSync(join(into, "manifest.json")), name);
  }
});

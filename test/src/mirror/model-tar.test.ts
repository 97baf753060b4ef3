import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@fettle/shared/lib/must.ts";
import t from "tap";
import type { Entry } from "../stand-ins/ollama/ustar.ts";
import { makeModel, sha256Of, tarOf } from "./archives.ts";
import { mirrorBench } from "./coordinator-bench.ts";

const { manifest, blobs } = makeModel("mistral", 3_000_000);
const [config, weights] = [must(blobs[0], "a configuration"), must(blobs[1], "weights")];
const MANIFEST = "models/manifests/registry.ollama.ai/library/mistral/instruct";
const fileOf = (blob: Buffer) => `models/blobs/sha256-${sha256Of(blob)}`;
const entry = (path: string, content: string | Buffer): Entry => ({ path, content });
const first = [entry(MANIFEST, manifest), entry(fileOf(config), config)];
const whole = [...first, entry(fileOf(weights), weights)];
const cut = (bytes: Buffer, length: number) => bytes.subarray(0, length);

/** A manifest that names its blobs by these digests. */
const naming = (digest: string) => manifest.replaceAll(/sha256:[0-9a-f]{64}/g, digest);

const CASES: readonly { what: string; bytes: Buffer | Promise<Buffer>; says: RegExp }[] = [
  { what: "a file that is missing", bytes: tarOf(first), says: /blobs\/sha256-\w+ is missing/ },
  {
    what: "a file with other bytes",
    bytes: tarOf([...first, entry(fileOf(weights), Buffer.alloc(weights.length))]),
    says: /mirror\.sum-differs/,
  },
  {
    what: "a file that is longer",
    bytes: tarOf([...first, entry(fileOf(weights), Buffer.alloc(weights.length + 1))]),
    says: /3000001 bytes, not 3000000/,
  },
  {
    what: "a link in the place of a file",
    bytes: tarOf([...first, { path: fileOf(weights), link: "/etc/passwd" }]),
    says: /is missing/,
  },
  {
    what: "a link in the place of the manifest",
    bytes: tarOf([{ path: MANIFEST, link: "/etc/passwd" }]),
    says: /there is no/,
  },
  {
    what: "a manifest of another model",
    bytes: tarOf([entry(MANIFEST.replace("instruct", "latest"), manifest), ...whole.slice(1)]),
    says: /there is no manifests\/registry\.ollama\.ai\/library\/mistral\/instruct/,
  },
  {
    what: "a manifest that is none",
    bytes: tarOf([entry(MANIFEST, "{}"), ...whole.slice(1)]),
    says: /none of a model/,
  },
  {
    what: "a manifest with a path for a sum",
    bytes: tarOf([entry(MANIFEST, naming("sha256:../../../etc/passwd")), ...whole.slice(1)]),
    says: /none of a model/,
  },
  {
    what: "a manifest without an end",
    bytes: tarOf([entry(MANIFEST, Buffer.alloc(2_000_000, " ")), ...whole.slice(1)]),
    says: /there is no manifests/,
  },
  { what: "an empty file", bytes: Buffer.alloc(0), says: /mirror\.bad-model|cli\.file-unreadable/ },
  { what: "no tar at all", bytes: Buffer.alloc(100_000, "no tar "), says: /cli\.file-unreadable/ },
  {
    what: "a tar that ends in a file",
    bytes: tarOf(whole).then((bytes) => cut(bytes, 1_500_000)),
    says: /\(\w+\.[\w-]+\)/,
  },
];

t.test("a model's tar that does not fit is refused, and nothing of it stays", async (t) => {
  const bench = await mirrorBench(t);
  const path = join(bench.folder, "models.tar");
  for (const { what, bytes, says } of CASES) {
    await writeFile(path, await bytes);
    const done = await bench.fettle("mirror", "add", "model", "mistral:instruct", "--from", path);
    t.equal(done.status, 1, what);
    t.match(done.text, says, what);
    // The coordinator hears a moment later that nothing more comes.
    while ((await bench.files()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(bench.context.mirror.items, []);
});

t.test("paths lead nowhere: what is not named is passed over, what is named lies by its sum", async (t) => {
  const outside = await mkdtemp(join(tmpdir(), "fettle-outside-"));
  t.teardown(() => rm(outside, { recursive: true, force: true }));
  const bench = await mirrorBench(t);
  const path = join(bench.folder, "models.tar");
  const odd = [
    entry("../../evil", "evil"),
    entry(join(outside, "evil"), "evil"),
    entry("blobs/sha256-../../evil", "evil"),
    entry(`blobs/sha256-${"0".repeat(64)}`, "not named"),
    { path: "models/blobs/out", link: "/etc" },
    entry(MANIFEST, manifest),
    entry(`../../${fileOf(config).slice(7)}`, config),
    entry(`/${fileOf(weights).slice(7)}`, weights),
  ];
  await writeFile(path, await tarOf(odd));
  const done = await bench.fettle("mirror", "add", "model", "mistral:instruct", "--from", path);
  t.equal(done.status, 0, done.text);
  t.same(await bench.files(), [sha256Of(config), sha256Of(weights), sha256Of(manifest)].sort());
});

t.test("of a refused model the files stay that another one needs", async (t) => {
  const bench = await mirrorBench(t);
  const path = join(bench.folder, "models.tar");
  await writeFile(path, await tarOf(whole));
  const add = (name: string) => bench.fettle("mirror", "add", "model", name, "--from", path);
  t.equal((await add("mistral:instruct")).status, 0);
  const other = makeModel("other", 1000);
  const shared = manifest
    .replace(sha256Of(weights), sha256Of(must(other.blobs[1], "weights")))
    .replace("3000000", "1000");
  const copy = MANIFEST.replace("instruct", "copy");
  await writeFile(path, await tarOf([entry(copy, shared), ...whole.slice(1)]));
  t.match(await add("mistral:copy"), { status: 1, text: "is missing" });
  t.same(await bench.files(), [sha256Of(config), sha256Of(weights), sha256Of(manifest)].sort());
  t.match(await bench.fettle("mirror", "check"), { status: 0, text: "3 of 3 files are whole" });
});

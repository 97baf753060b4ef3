import { readImageArchive } from "@fettle/shared/mirror/image-archive.ts";
import { ImageProblem } from "@fettle/shared/mirror/image-entry.ts";
import type { RandomAccess } from "@fettle/shared/mirror/random-access.ts";
import t from "tap";
import type { Entry } from "../stand-ins/ollama/ustar.ts";
import { legacyImage, ociImage, REFERENCE, tarOf } from "./archives.ts";

function access(bytes: Buffer): RandomAccess {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}

async function outcome(bytes: Buffer, reference = REFERENCE): Promise<string> {
  try {
    return (await readImageArchive(access(bytes), reference)).imageId;
  } catch (error) {
    if (error instanceof ImageProblem) return error.message;
    throw error;
  }
}

const legacy = legacyImage();
const oci = ociImage();
const OTHER = REFERENCE.replace("v18.8.3", "v18.8.2");

t.test("what docker save writes is taken, with its id", async (t) => {
  t.equal(await outcome(await tarOf(legacy.entries)), legacy.imageId);
  t.equal(await outcome(await tarOf(oci.entries)), oci.imageId);
  const nested = ociImage({ nested: true });
  const found = await readImageArchive(access(await tarOf(nested.entries)), REFERENCE);
  t.equal(found.imageId, nested.imageId);
  t.equal(found.ids.length, 3, "and the ids of an Engine with the containerd store");
  const hub = "gitlab/model-gateway:self-hosted-v18.8.3-ee";
  const named = ociImage({ reference: hub, named: `docker.io/${hub}` });
  t.equal(await outcome(await tarOf(named.entries), hub), named.imageId, "Docker Hub's name in both ways of writing");
});

/** Replaces, adds or (with null) takes away entries. */
function changed(from: readonly Entry[], change: Readonly<Record<string, string | null>>): Entry[] {
  const kept = from.flatMap((entry) => {
    if (!Object.hasOwn(change, entry.path)) return [entry];
    const content = change[entry.path];
    return content == null ? [] : [{ ...entry, content }];
  });
  const names = new Set(from.map(({ path }) => path));
  const added = Object.entries(change).flatMap(([path, content]) =>
    names.has(path) || content === null ? [] : [{ path, content }],
  );
  return [...kept, ...added];
}

const listed = (image: { entries: readonly Entry[] }) =>
  JSON.parse(String(image.entries.find(({ path }) => path === "manifest.json")?.content)) as Record<string, unknown>[];
const manifestOf = (...images: unknown[]) => ({ "manifest.json": JSON.stringify(images) });
const [first] = listed(legacy);
const [ociFirst] = listed(oci);

const HOSTILE: readonly { what: string; entries: readonly Entry[]; says: RegExp }[] = [
  { what: "two images", entries: changed(legacy.entries, manifestOf(first, first)), says: /2 images/ },
  { what: "no image", entries: changed(legacy.entries, manifestOf()), says: /no image/ },
  { what: "another tag", entries: legacyImage(OTHER).entries, says: /it holds .*v18\.8\.2/ },
  {
    what: "a second tag",
    entries: changed(legacy.entries, manifestOf({ ...first, RepoTags: [REFERENCE, "library/nginx:latest"] })),
    says: /nginx/,
  },
  {
    what: "no tag",
    entries: changed(legacy.entries, manifestOf({ ...first, RepoTags: null })),
    says: /without a name/,
  },
  {
    what: "another name in repositories",
    entries: changed(legacy.entries, { repositories: JSON.stringify({ "library/nginx": { latest: "a" } }) }),
    says: /nginx/,
  },
  {
    what: "a configuration with another sum",
    entries: changed(legacy.entries, { [`${legacy.imageId}.json`]: '{"evil":true}' }),
    says: /its own sum/,
  },
  {
    what: "a configuration outside",
    entries: changed(legacy.entries, manifestOf({ ...first, Config: "../../etc/passwd" })),
    says: /configuration is missing/,
  },
  {
    what: "a huge configuration",
    entries: legacyImage(REFERENCE, JSON.stringify({ filler: "x".repeat(2 ** 20) })).entries,
    says: /too large/,
  },
  {
    what: "a layer that is not there",
    entries: changed(legacy.entries, manifestOf({ ...first, Layers: [`${"b".repeat(64)}/layer.tar`] })),
    says: /a layer is missing/,
  },
  {
    what: "index.json with another name",
    entries: ociImage({ named: "docker.io/library/nginx:latest" }).entries,
    says: /nginx/,
  },
  { what: "index.json with two images", entries: ociImage({ other: "{}" }).entries, says: /exactly one image/ },
  {
    what: "two images below one index",
    entries: ociImage({ other: "{}", nested: true }).entries,
    says: /another image/,
  },
  {
    what: "index.json that leads elsewhere",
    entries: changed(oci.entries, manifestOf({ ...ociFirst, Config: `${legacy.imageId}.json` })).concat(
      legacyImage(REFERENCE, '{"other":1}').entries.filter(({ path }) => path.endsWith("}.json")),
    ),
    says: /configuration is missing|another image/,
  },
  { what: "a link", entries: [...legacy.entries, { path: "manifest", link: "/etc/passwd" }], says: /no image needs/ },
  {
    what: "a link in the place of a configuration",
    entries: changed(legacy.entries, { [`${legacy.imageId}.json`]: null }).concat({
      path: `${legacy.imageId}.json`,
      link: "../x",
    }),
    says: /no image needs/,
  },
  {
    what: "a name that leads out",
    entries: [...legacy.entries, { path: "../evil", content: "" }],
    says: /no image needs/,
  },
  {
    what: "a stranger's file",
    entries: [...legacy.entries, { path: "install.sh", content: "" }],
    says: /no image needs/,
  },
  { what: "a name twice", entries: [...legacy.entries, { path: "manifest.json", content: "[]" }], says: /twice/ },
  {
    what: "manifest.json that is none",
    entries: changed(legacy.entries, { "manifest.json": "{" }),
    says: /not what it should be/,
  },
  { what: "no manifest.json", entries: changed(legacy.entries, { "manifest.json": null }), says: /docker save/ },
];

t.test("anything else is refused, and said why", async (t) => {
  for (const { what, entries, says } of HOSTILE) t.match(await outcome(await tarOf(entries)), says, what);
});

t.test("a damaged or odd archive is refused", async (t) => {
  const whole = await tarOf(legacy.entries);
  const type = (letter: string) => {
    const bytes = Buffer.from(whole);
    bytes.write(letter, 156);
    return resummed(bytes);
  };
  const cases: readonly { what: string; bytes: Buffer; says: RegExp }[] = [
    { what: "empty", bytes: Buffer.alloc(0), says: /empty/ },
    { what: "compressed", bytes: Buffer.from("1f8b0800".repeat(200), "hex"), says: /no tar archive/ },
    { what: "cut in an entry", bytes: whole.subarray(0, 2200), says: /ends in the middle/ },
    { what: "cut between entries", bytes: whole.subarray(0, 512), says: /end is missing/ },
    { what: "goes on after its end", bytes: Buffer.concat([whole.subarray(0, -512), whole]), says: /goes on/ },
    { what: "a header's sum", bytes: flipped(whole, 100), says: /no tar archive/ },
    { what: "a hard link", bytes: type("1"), says: /kind/ },
    { what: "a device", bytes: type("3"), says: /kind/ },
    { what: "GNU's long names", bytes: type("L"), says: /kind/ },
    {
      what: "an extended header with a path",
      bytes: Buffer.concat([await pax("20 path=evil.json\n"), whole]),
      says: /"path"/,
    },
    {
      what: "an extended header with a size",
      bytes: Buffer.concat([await pax("12 size=9999\n"), whole]),
      says: /"size"/,
    },
  ];
  for (const { what, bytes, says } of cases) t.match(await outcome(bytes), says, what);
  const timed = Buffer.concat([await pax("30 mtime=1767225600.123456789\n"), whole]);
  t.equal(await outcome(timed), legacy.imageId, "a time in an extended header says nothing");
});

async function pax(records: string): Promise<Buffer> {
  const bytes = (await tarOf([{ path: "PaxHeaders/x", content: records }])).subarray(0, 1024);
  bytes.write("x", 156);
  return resummed(bytes);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The first header with its right checksum. */
function resummed(bytes: Buffer): Buffer {
  bytes.write("        ", 148);
  const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

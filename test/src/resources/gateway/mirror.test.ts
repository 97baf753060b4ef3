import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { GATEWAY_REPOSITORY } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { sha256Of, tarOf } from "../../mirror/archives.ts";
import { FakeMirror } from "../../mirror/fake-mirror.ts";
import { archiveEntries } from "../../stand-ins/engine/images/archive.ts";
import { type ImageDefinition, imageIdOf } from "../../stand-ins/engine/images/definition.ts";
import type { Entry } from "../../stand-ins/ollama/ustar.ts";
import { type Bench, type BenchOptions, gatewayImage, ID, makeBench } from "./bench.ts";

const reference = (version: string) => `${GATEWAY_REPOSITORY}:self-hosted-v${version}-ee`;

/** A gateway VM that reaches no registry, and a mirror with these versions. */
async function world(t: Parameters<typeof makeBench>[0], versions: readonly string[], options: BenchOptions = {}) {
  const mirror = new FakeMirror();
  const bench = await makeBench(t, { ...options, mirror });
  await bench.registry.close();
  for (const version of versions) await offer(mirror, bench, version);
  return { mirror, bench };
}

async function offer(mirror: FakeMirror, bench: Bench, version: string): Promise<string> {
  const definition = gatewayImage(version, { address: bench.address, control: "/nowhere" });
  const archive = await tarOf(archiveEntries(definition, [reference(version)]));
  const imageId = imageIdOf(definition).slice(7);
  mirror.offer({ kind: "gateway", name: reference(version), sha256: sha256Of(archive), imageId }, archive);
  return imageId;
}

const downloads = (bench: Bench): string[] => {
  const folder = join(bench.root, "var/lib/fettle-agent/downloads");
  return existsSync(folder) ? readdirSync(folder) : [];
};
const tags = async (bench: Bench) => (await bench.docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []).sort();

t.test("auto: the newest of the track from the mirror where no registry is reached, then held", async (t) => {
  const { mirror, bench } = await world(t, ["17.9.2", "18.8.1", "18.8.10", "19.5.1"]);
  const before = await bench.look(ID.image);
  t.match(before, {
    kind: "drift",
    changes: [{ what: "image", from: null, to: `${reference("18.8.10")} from the mirror` }],
  });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.same(await tags(bench), ["fettle/model-gateway:auto-18.8", reference("18.8.10")]);
  t.same(downloads(bench), [], "the archive is not kept");
  t.match(bench.facts(), { gatewayImage: reference("18.8.10") });
  mirror.items.length = 0;
  for (let look = 0; look < 2; look += 1) t.match(await bench.look(ID.image), { kind: "in-sync" });
  await t.test("taken away it comes again, the very same though a newer one is there", async (t) => {
    await offer(mirror, bench, "18.8.10");
    await offer(mirror, bench, "18.8.11");
    for (const tag of await tags(bench)) await bench.docker.getImage(tag).remove();
    t.match(await bench.repair(ID.image), { kind: "in-sync" });
    t.same(await tags(bench), ["fettle/model-gateway:auto-18.8", reference("18.8.10")]);
  });
  await t.test("and once that is gone from the mirror, what there is of the track", async (t) => {
    mirror.items.splice(0, mirror.items.length);
    await offer(mirror, bench, "18.8.11");
    for (const tag of await tags(bench)) await bench.docker.getImage(tag).remove();
    t.match(await bench.repair(ID.image), { kind: "in-sync" });
    t.same(await tags(bench), ["fettle/model-gateway:auto-18.8", reference("18.8.11")]);
  });
});

t.test("exact: from the mirror at once, and by no other name", async (t) => {
  const image = { kind: "exact", reference: reference("18.8.1") } as const;
  const { mirror, bench } = await world(t, ["18.8.1"], { params: { image } });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.ok((await tags(bench)).includes(reference("18.8.1")));
  bench.declare({ image: { kind: "exact", reference: reference("18.8.10") } });
  t.match(await bench.look(ID.image), { kind: "blocked", code: "gateway.image.registry-unreachable" });
  mirror.items.push({ kind: "gateway", name: reference("18.8.10"), sha256: "a".repeat(64), size: 9 });
  t.match(await bench.look(ID.image), { kind: "blocked" }, "one without an id is none");
});

t.test("without this machine's consent nothing is taken, and the line is named", async (t) => {
  for (const image of [
    { kind: "auto", track: "18.8" },
    { kind: "exact", reference: reference("18.8.1") },
  ] as const) {
    const { mirror, bench } = await world(t, ["18.8.1"], { params: { image } });
    mirror.allowed = false;
    t.match(await bench.look(ID.image), {
      kind: "blocked",
      code: "policy.mirror",
      args: { what: reference("18.8.1") },
    });
    await t.rejects(bench.apply(ID.image), { code: "policy.mirror" });
    t.same(mirror.asked, []);
    t.same(await tags(bench), []);
  }
});

t.test("where a registry is reached, auto goes by that", async (t) => {
  const mirror = new FakeMirror();
  const bench = await makeBench(t, { mirror });
  await offer(mirror, bench, "18.8.99");
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.ok((await tags(bench)).includes(reference("18.8.10")));
  t.same(mirror.asked, []);
});

t.test("what was pulled once and is gone comes from the mirror when no registry is reached any more", async (t) => {
  const mirror = new FakeMirror();
  const bench = await makeBench(t, { mirror });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  for (const tag of await tags(bench)) await bench.docker.getImage(tag).remove();
  await bench.registry.close();
  bench.engine.faults.replace({ architecture: "amd64", pullError: "refused" });
  await offer(mirror, bench, "18.8.10");
  await t.rejects(bench.apply(ID.image), { code: "gateway.image.registry-unreachable" });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.ok((await tags(bench)).includes(reference("18.8.10")));
});

t.test("a hostile mirror gets nothing loaded", async (t) => {
  const version = "18.8.1";
  const { mirror, bench } = await world(t, []);
  const definition = gatewayImage(version, { address: bench.address, control: "/nowhere" });
  const evil = { ...definition, env: { EVIL: "1" } };
  const good = imageIdOf(definition).slice(7);
  const entries = archiveEntries(definition, [reference(version)]);
  const cases: readonly { what: string; bytes: Buffer; sha256?: string; imageId?: string; code: string }[] = [
    { what: "another image", bytes: await tarOf(archiveEntries(evil, [reference(version)])), code: "archive-refused" },
    {
      what: "another tag",
      bytes: await tarOf(archiveEntries(definition, ["library/nginx:1"])),
      code: "archive-refused",
    },
    {
      what: "one tag more",
      bytes: await tarOf(archiveEntries(definition, [reference(version), "library/nginx:1"])),
      code: "archive-refused",
    },
    { what: "a file more", bytes: await tarOf([...entries, { path: "x", content: "" }]), code: "archive-refused" },
    { what: "a link", bytes: await tarOf([...entries, { path: "y", link: "/etc/shadow" }]), code: "archive-refused" },
    { what: "no archive", bytes: Buffer.from("#!/bin/sh\n"), code: "archive-refused" },
    { what: "another sum", bytes: await tarOf(entries), sha256: "f".repeat(64), code: "mirror.away" },
    { what: "another id", bytes: await tarOf(entries), imageId: "e".repeat(64), code: "archive-refused" },
  ];
  for (const { what, bytes, sha256 = sha256Of(bytes), imageId = good, code } of cases) {
    mirror.items.length = 0;
    mirror.offer({ kind: "gateway", name: reference(version), sha256, imageId }, bytes);
    await t.rejects(bench.apply(ID.image), { code: code.includes(".") ? code : `gateway.image.${code}` }, what);
    t.same(await tags(bench), [], what);
    t.same(downloads(bench), [], `${what}: nothing is kept`);
  }
  mirror.items.length = 0;
  mirror.offer(
    { kind: "gateway", name: "library/nginx:self-hosted-v18.8.1-ee", sha256: sha256Of("x"), imageId: good },
    "x",
  );
  t.match(await bench.look(ID.image), { kind: "blocked" }, "a repository that is not official is none of the track's");
});

t.test("an Engine that calls the image by another id: it is taken away again", async (t) => {
  const { mirror, bench } = await world(t, []);
  const definition = gatewayImage("18.8.1", { address: bench.address, control: "/nowhere" });
  const bytes = await tarOf(swapped(definition, { ...definition, env: { EVIL: "1" } }));
  const imageId = imageIdOf(definition).slice(7);
  mirror.offer({ kind: "gateway", name: reference("18.8.1"), sha256: sha256Of(bytes), imageId }, bytes);
  await t.rejects(bench.apply(ID.image), { code: "gateway.image.archive-refused" });
  t.same(await tags(bench), []);
});

t.test("an Engine that gives the image a manifest of its own: what it is, is compared", async (t) => {
  const { mirror, bench } = await world(t, ["18.8.1"]);
  bench.engine.faults.replace({ architecture: "amd64", containerdStore: true });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.ok((await tags(bench)).includes(reference("18.8.1")));
  t.match(await bench.look(ID.image), { kind: "in-sync" });
  const definition = gatewayImage("18.8.1", { address: bench.address, control: "/nowhere" });
  const imageId = imageIdOf(definition).slice(7);
  const changes = [
    { env: { EVIL: "1" } },
    { cmd: ["/bin/evil"] },
    { user: "root" },
    { workingDir: "/x" },
    { layers: [9] },
  ];
  for (const change of [...changes, { architecture: "arm64" }]) {
    for (const tag of await tags(bench)) await bench.docker.getImage(tag).remove();
    const bytes = await tarOf(swapped(definition, { ...definition, ...change }));
    mirror.items.length = 0;
    mirror.offer({ kind: "gateway", name: reference("18.8.1"), sha256: sha256Of(bytes), imageId }, bytes);
    await t.rejects(bench.apply(ID.image), { code: "gateway.image.archive-refused" }, JSON.stringify(change));
    t.same(await tags(bench), []);
  }
});

/** An archive that says one thing and of which the Engine makes another. */
function swapped(said: ImageDefinition, made: ImageDefinition): Entry[] {
  const entries = archiveEntries(said, [reference("18.8.1")]);
  return entries.map((entry) =>
    entry.path.startsWith("blobs/sha256/") ? { ...entry, content: JSON.stringify(made) } : entry,
  );
}

t.test("a fetch that is cut goes on where it ended; an Engine that refuses has its words", async (t) => {
  const { mirror, bench } = await world(t, ["18.8.1"]);
  mirror.cutAfter = 1_000;
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.ok(mirror.asked.some((one) => one.endsWith(" 1000-")));
  const away = await world(t, ["18.8.1"]);
  away.mirror.away = true;
  await t.rejects(away.bench.apply(ID.image), { code: "mirror.away" });
});

import { createPrivateKey } from "node:crypto";
import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { imageDigest, imageTags } from "@fettle/agent/clients/image-registry.ts";
import { GATEWAY_REPOSITORY } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { pullErrors } from "../../stand-ins/engine/images/pull-errors.ts";
import { ID, makeBench } from "./bench.ts";

const SECRETS = "/var/lib/fettle-agent/secrets";
const REFERENCE = `${GATEWAY_REPOSITORY}:self-hosted-v18.8.1-ee`;

t.test("keys", async (t) => {
  const bench = await makeBench(t);
  const generations = [
    { image: { kind: "auto", track: "17.9" }, keys: [] },
    { image: { kind: "auto", track: "18.3" }, keys: [] },
    {
      image: { kind: "auto", track: "18.4" },
      keys: ["aigw-signing", "aigw-validation", "duo-workflow-signing"],
    },
    {
      image: { kind: "exact", reference: REFERENCE },
      keys: ["aigw-signing", "aigw-validation", "duo-workflow-signing"],
    },
    {
      image: { kind: "auto", track: "19.5" },
      keys: ["aigw-signing", "aigw-validation", "duo-workflow-signing", "duo-workflow-validation"],
    },
  ] as const;
  for (const { image, keys } of generations) {
    await t.test(JSON.stringify(image), async (t) => {
      const own = await makeBench(t, { params: { image } });
      const before = await own.look(ID.keys);
      t.equal(before.kind, keys.length === 0 ? "in-sync" : "drift");
      t.same(before.kind === "drift" ? before.changes.map(({ what }) => what) : [], [...keys]);
      t.match(await own.repair(ID.keys), { kind: "in-sync" });
      for (const name of keys) {
        const path = `${SECRETS}/gateway-${name}.pem`;
        const pem = own.read(path) ?? "";
        t.equal(createPrivateKey(pem).asymmetricKeyDetails?.modulusLength, 2048);
        t.equal(statSync(join(own.root, path)).mode & 0o777, 0o600);
        t.equal(own.secrets.cut(pem), "[redacted]\n", "it is known as a secret");
      }
    });
  }

  await t.test("a later key is added, the others stay; a spoiled one alone is made anew", async (t) => {
    bench.declare({ image: { kind: "auto", track: "18.8" } });
    await bench.repair(ID.keys);
    const signing = bench.read(`${SECRETS}/gateway-aigw-signing.pem`);
    bench.declare({ image: { kind: "auto", track: "19.5" } });
    await bench.repair(ID.keys);
    t.equal(bench.read(`${SECRETS}/gateway-aigw-signing.pem`), signing);
    bench.write(`${SECRETS}/gateway-aigw-validation.pem`, "spoiled", 0o600);
    chmodSync(join(bench.root, `${SECRETS}/gateway-aigw-signing.pem`), 0o644);
    t.match(await bench.look(ID.keys), {
      kind: "drift",
      changes: [
        { what: "aigw-signing", from: "mode 0644", to: "mode 0600" },
        { what: "aigw-validation", from: "no RSA key of 2048 bits", to: "a new key" },
      ],
    });
    t.match(await bench.repair(ID.keys), { kind: "in-sync" });
    t.equal(bench.read(`${SECRETS}/gateway-aigw-signing.pem`), signing, "a key that serves is kept");
  });

  await t.test("without GitLab's version nothing is made", async (t) => {
    const own = await makeBench(t, { params: { image: { kind: "auto", track: null } } });
    t.match(await own.look(ID.keys), { kind: "waiting", code: "gateway.keys.gitlab-version" });
    t.match(await own.look(ID.image), { kind: "waiting", code: "gateway.image.gitlab-version" });
    t.match(await own.look(ID.container), { kind: "waiting", code: "gateway.container.no-image" });
    t.same(own.registry.seen, [], "nobody was asked");
  });
});

t.test("image: the newest of the track, pulled with progress, then held", async (t) => {
  const bench = await makeBench(t, { versions: ["18.8.1", "18.8.10", "18.9.0"] });
  bench.engine.faults.replace({ architecture: "amd64", pullBytesPerSecond: 4_000_000 });
  const newest = `${GATEWAY_REPOSITORY}:self-hosted-v18.8.10-ee`;
  t.match(await bench.look(ID.image), {
    kind: "drift",
    changes: [{ what: "image", from: null, to: new RegExp(`^${newest}@sha256:[0-9a-f]{64}$`) }],
    disturbs: "none",
  });
  t.same(await bench.docker.listImages(), [], "a look pulls nothing");
  t.match(await bench.repair(ID.image), { kind: "in-sync", findings: [] });
  const last = bench.progress.at(-1);
  t.match(last, { doneBytes: 2_100_000, totalBytes: 2_100_000 });
  t.ok(bench.progress.length > 5);
  await bench.look(ID.image);
  const { gatewayImage, gatewayImageDigest } = bench.facts();
  t.equal(gatewayImage, newest);
  const [local] = await bench.docker.listImages();
  t.ok(local?.RepoDigests?.[0]?.endsWith(gatewayImageDigest ?? "none"));
  t.ok(local?.RepoTags?.includes("fettle/model-gateway:auto-18.8"));

  await t.test("a newer patch and a tag that is published anew move nothing; the latter is a warning", async (t) => {
    const path = GATEWAY_REPOSITORY.replace("registry.gitlab.com/", "");
    const tags = { "self-hosted-v18.8.10-ee": 1, "self-hosted-v18.8.11-ee": 1 };
    bench.registry.faults.replace({ images: { [path]: tags } });
    bench.clock.ahead += 7 * 3_600_000;
    t.match(await bench.look(ID.image), { kind: "in-sync", findings: [] });
    bench.registry.faults.replace({ images: { [path]: { ...tags, "self-hosted-v18.8.10-ee": 2 } } });
    t.match(await bench.look(ID.image), { kind: "in-sync", findings: [] }, "asked every six hours");
    bench.clock.ahead += 7 * 3_600_000;
    t.match(await bench.look(ID.image), {
      kind: "in-sync",
      findings: [{ code: "gateway.image.republished", args: { image: newest, pinned: gatewayImageDigest } }],
    });
  });

  await t.test("an image that somebody removed comes back by its digest, also when its tag has moved", async (t) => {
    for (const tag of local?.RepoTags ?? []) await bench.docker.getImage(tag).remove({ force: true });
    t.match(await bench.look(ID.image), {
      kind: "drift",
      changes: [{ what: "image", to: `${GATEWAY_REPOSITORY}@${gatewayImageDigest}` }],
    });
    t.match(await bench.repair(ID.image), { kind: "in-sync" });
    t.equal((await bench.docker.listImages())[0]?.Id, local?.Id);
    t.equal(bench.facts().gatewayImage, newest, "people still know it by its tag");
  });

  await t.test("another track is another image; the old one stays for the container that runs", async (t) => {
    bench.registry.faults.replace({});
    const path = GATEWAY_REPOSITORY.replace("registry.gitlab.com/", "");
    bench.registry.faults.replace({ images: { [path]: { "self-hosted-v18.9.0-ee": 1 } } });
    bench.declare({ image: { kind: "auto", track: "18.9" } });
    t.match(await bench.repair(ID.image), { kind: "in-sync" });
    t.equal((await bench.docker.listImages()).length, 2);
  });
});

t.test("image: an exact reference, by tag and by digest, and one that is here already", async (t) => {
  const bench = await makeBench(t, { params: { image: { kind: "exact", reference: REFERENCE } } });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.match(bench.facts(), { gatewayImage: REFERENCE });
  const digest = bench.facts().gatewayImageDigest;
  await bench.look(ID.image);
  const pinned = bench.facts().gatewayImageDigest ?? digest ?? "";
  bench.declare({ image: { kind: "exact", reference: `${GATEWAY_REPOSITORY}@${pinned}` } });
  const asked = bench.registry.seen.length;
  t.match(await bench.look(ID.image), { kind: "drift", downloadBytes: 0 });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  t.equal(bench.registry.seen.length, asked, "what is here is not asked for");
});

t.test("image: what keeps it from being chosen", async (t) => {
  const cases = [
    { faults: { status: { "/v2/": 403 } }, verdict: { kind: "blocked", code: "gateway.image.denied" } },
    { faults: { status: { "/v2/": 429 } }, verdict: { kind: "waiting", code: "gateway.image.rate-limited" } },
    { faults: { status: { "/v2/": 503 } }, verdict: { kind: "waiting", code: "gateway.image.registry-broken" } },
    { faults: { status: { "/jwt/auth": 401 } }, verdict: { kind: "blocked", code: "gateway.image.denied" } },
    {
      faults: { images: { [GATEWAY_REPOSITORY.replace("registry.gitlab.com/", "")]: { latest: 1 } } },
      verdict: { kind: "blocked", code: "gateway.image.no-tag", args: { track: "18.8" } },
    },
  ];
  const bench = await makeBench(t);
  for (const { faults, verdict } of cases) {
    bench.registry.faults.replace(faults);
    t.match(await bench.look(ID.image), verdict, JSON.stringify(faults));
    bench.clock.ahead += 301_000;
  }
  bench.registry.faults.replace({});
  t.match(await bench.look(ID.image), { kind: "drift" }, "it passes by itself");
  bench.engine.faults.replace({ architecture: "arm64" });
  t.match(await bench.look(ID.image), { kind: "blocked", code: "gateway.image.architecture" });
});

t.test("image: a registry that is not there", async (t) => {
  const cases = [
    ["nosuch.invalid/a/b:1", "gateway.image.registry-name"],
    ["127.0.0.1:1/a/b:1", "gateway.image.registry-unreachable"],
  ] as const;
  for (const [reference, code] of cases) {
    const bench = await makeBench(t, { params: { image: { kind: "exact", reference } } });
    t.match(await bench.look(ID.image), { kind: "blocked", code });
  }
});

t.test("image: every way in which a pull fails has its code, and the next pull succeeds", async (t) => {
  const codes: Record<keyof typeof pullErrors, string> = {
    "too-many-requests": "gateway.image.rate-limited",
    "no-such-host": "gateway.image.registry-name",
    refused: "gateway.image.registry-unreachable",
    timeout: "gateway.image.registry-unreachable",
    untrusted: "gateway.image.registry-tls",
    unauthorized: "gateway.image.denied",
    "bad-gateway": "gateway.image.pull-failed",
    denied: "gateway.image.denied",
    "not-found": "gateway.image.not-found",
    "no-space": "gateway.image.disk-full",
    "no-space-extracting": "gateway.image.disk-full",
    broken: "gateway.image.pull-failed",
  };
  const bench = await makeBench(t);
  for (const pullError of Object.keys(pullErrors) as (keyof typeof pullErrors)[]) {
    bench.engine.faults.replace({ architecture: "amd64", pullError });
    await t.rejects(bench.repair(ID.image), { code: codes[pullError] }, pullError);
  }
  bench.engine.faults.replace({ architecture: "amd64" });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
});

t.test("image: a stall is given up and resumed; a signal ends a pull", async (t) => {
  const bench = await makeBench(t);
  bench.engine.faults.replace({ architecture: "amd64", pullStallsAt: 0.5 });
  bench.clock.speed = 60;
  const pulling = bench.repair(ID.image);
  for (const end = performance.now() + 20_000; bench.log.length === 0 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.match(bench.log[0], /no byte came for 60 s/);
  bench.engine.faults.replace({ architecture: "amd64" });
  t.match(await pulling, { kind: "in-sync" });
  bench.declare({ image: { kind: "auto", track: "19.5" } });
  bench.engine.faults.replace({ architecture: "amd64", pullBytesPerSecond: 100_000 });
  const stop = new AbortController();
  const aborted = bench.apply(ID.image, stop.signal);
  setTimeout(() => stop.abort(new Error("there is a newer declaration")), 200);
  await t.rejects(aborted, { message: "there is a newer declaration" });
  t.match(await bench.look(ID.image), { kind: "drift" });
});

t.test("image: an image that is gone from the registry is chosen anew", async (t) => {
  const bench = await makeBench(t, { versions: ["18.8.1"] });
  const path = GATEWAY_REPOSITORY.replace("registry.gitlab.com/", "");
  bench.registry.faults.replace({ images: { [path]: { "self-hosted-v18.8.1-ee": 1 } } });
  await bench.repair(ID.image);
  const [local] = await bench.docker.listImages();
  for (const tag of local?.RepoTags ?? []) await bench.docker.getImage(tag).remove({ force: true });
  bench.publish([
    { reference: REFERENCE, cmd: ["/bin/true"], architecture: "amd64", digest: `sha256:${"b".repeat(64)}` },
  ]);
  await t.rejects(bench.repair(ID.image), { code: "gateway.image.pinned-gone" });
  t.match(await bench.repair(ID.image), { kind: "in-sync" });
  await bench.look(ID.image);
  t.equal(bench.facts().gatewayImageDigest, `sha256:${"b".repeat(64)}`);
});

t.test("registry client: pages, a token from a realm, a digest in one request", async (t) => {
  const bench = await makeBench(t);
  const path = GATEWAY_REPOSITORY.replace("registry.gitlab.com/", "");
  const many = Object.fromEntries(Array.from({ length: 350 }, (_, i) => [`self-hosted-v18.8.${i}-ee`, 1]));
  bench.registry.faults.replace({ images: { [path]: many } });
  const signal = AbortSignal.timeout(10_000);
  const tags = await imageTags(bench.host, GATEWAY_REPOSITORY, signal);
  t.equal(tags.kind === "found" ? new Set(tags.value).size : 0, 350);
  t.match(await imageDigest(bench.host, GATEWAY_REPOSITORY, "self-hosted-v18.8.3-ee", signal), {
    kind: "found",
    value: /^sha256:/,
  });
  t.match(await imageDigest(bench.host, GATEWAY_REPOSITORY, "nosuch", signal), { kind: "absent" });
  const seen = bench.registry.seen.slice(-3).map(({ method, path: asked }) => `${method} ${asked.split("/").at(-1)}`);
  t.same(seen, ["HEAD nosuch", "GET auth", "HEAD nosuch"], "without a body, and with a token for each question");
});

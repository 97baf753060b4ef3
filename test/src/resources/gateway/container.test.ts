import { createServer } from "node:http";
import { GATEWAY_CONTAINER, GATEWAY_REPOSITORY } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { ID, makeBench } from "./bench.ts";
import { begin, inspect, names, otherThan, PREVIOUS } from "./containers.ts";

t.setTimeout(180_000);

const CA = "/usr/local/share/ca-certificates/gitlab.crt";

t.test("made from nothing exactly as declared, and left alone after that", async (t) => {
  const bench = await makeBench(t, {
    params: { platform: true, caBundle: CA, image: { kind: "auto", track: "19.5" } },
  });
  bench.write(CA, "-----BEGIN CERTIFICATE-----\n");
  await bench.repair(ID.keys);
  await bench.repair(ID.image);
  t.match(await bench.look(ID.container), {
    kind: "drift",
    creates: "the container fettle-gateway",
    disturbs: "none",
    breaking: true,
  });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  const found = await inspect(bench);
  const at = (port: number) => [{ HostIp: bench.address, HostPort: String(port) }];
  t.match(found?.HostConfig, {
    PortBindings: { "5052/tcp": at(5052), "50052/tcp": at(50052) },
    RestartPolicy: { Name: "unless-stopped" },
    SecurityOpt: ["no-new-privileges"],
    LogConfig: { Type: "json-file", Config: { "max-size": "20m", "max-file": "5" } },
    Mounts: [{ Type: "bind", Source: CA, Target: "/etc/fettle/ca-bundle.crt", ReadOnly: true }],
    Privileged: false,
  });
  const env = Object.fromEntries((found?.Config.Env ?? []).map((one) => one.split(/=(.*)/s).slice(0, 2)));
  t.match(env, {
    AIGW_GITLAB_URL: "https://127.0.0.1:1",
    AIGW_GITLAB_API_URL: "https://127.0.0.1:1/api/v4/",
    AIGW_AUTH__BYPASS_EXTERNAL: "false",
    DUO_WORKFLOW_AUTH__ENABLED: "true",
    REQUESTS_CA_BUNDLE: "/etc/fettle/ca-bundle.crt",
    SSL_CERT_FILE: "/etc/fettle/ca-bundle.crt",
    DUO_WORKFLOW_GITLAB_SSL_CA_FILE: "/etc/fettle/ca-bundle.crt",
    AIGW_SELF_SIGNED_JWT__SIGNING_KEY: /^-----BEGIN PRIVATE KEY-----\n[\s\S]+-----END PRIVATE KEY-----$/,
    DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY: /^-----BEGIN PRIVATE KEY-----\n/,
    BAKED: "19.5.1",
  });
  t.match(found?.Config.Labels, {
    "dev.fettle.role": "gateway",
    "dev.fettle.image": `${GATEWAY_REPOSITORY}:self-hosted-v19.5.1-ee`,
    "dev.fettle.spec": /^[0-9a-f]{64}$/,
  });
  t.notMatch(JSON.stringify(found?.Config.Labels), /PRIVATE|MII/);
  for (let pass = 0; pass < 3; pass += 1) t.match(await bench.look(ID.container), { kind: "in-sync" });
  t.equal((await inspect(bench))?.Id, found?.Id);
  t.equal((await inspect(bench))?.State.StartedAt, found?.State.StartedAt);

  await t.test("the CA bundle's content counts", async (t) => {
    bench.write(CA, "-----BEGIN CERTIFICATE-----\nother\n");
    t.match(await bench.look(ID.container), {
      kind: "drift",
      changes: [{ what: "CA bundle" }],
      disturbs: "service",
      breaking: false,
    });
    bench.write(CA, "x", 0o600);
    t.match(await bench.look(ID.container), { kind: "blocked", code: "gateway.container.ca-unreadable" });
    bench.declare({ caBundle: "/usr/local/share/ca-certificates/none.crt" });
    t.match(await bench.look(ID.container), { kind: "blocked", code: "gateway.container.ca-absent" });
  });
});

t.test("drifts that need no other container", async (t) => {
  const bench = await begin(t);
  const { Id } = (await inspect(bench)) ?? { Id: "" };
  const cases = [
    {
      name: "stopped",
      make: () => bench.docker.getContainer(Id).stop(),
      verdict: { changes: [{ what: "state", from: "exited", to: "running" }], restartOnly: true, breaking: true },
      same: true,
    },
    {
      name: "killed",
      make: () => bench.docker.getContainer(Id).kill(),
      verdict: { changes: [{ what: "state", from: "exited", to: "running" }], restartOnly: true },
      same: true,
    },
    {
      name: "paused",
      make: () => bench.docker.getContainer(Id).pause(),
      verdict: { changes: [{ what: "state", from: "paused", to: "running" }], restartOnly: true },
      same: true,
    },
    {
      name: "another restart policy",
      make: () => bench.docker.getContainer(Id).update({ RestartPolicy: { Name: "no" } }),
      verdict: { changes: [{ what: "restart policy", from: "no", to: "unless-stopped" }], disturbs: "none" },
      same: true,
    },
    {
      name: "removed",
      make: () => bench.docker.getContainer(Id).remove({ force: true }),
      verdict: { changes: [{ what: GATEWAY_CONTAINER, from: null, to: "running" }] },
      same: false,
    },
  ];
  for (const { name, make, verdict, same } of cases) {
    await make();
    t.match(await bench.look(ID.container), { kind: "drift", disturbs: "none", ...verdict }, name);
    t.match(await bench.repair(ID.container), { kind: "in-sync" }, name);
    const now = await inspect(bench);
    t.equal(now?.Id === Id, same, name);
    t.match(now, { State: { Running: true }, HostConfig: { RestartPolicy: { Name: "unless-stopped" } } }, name);
    t.same(await names(bench), [`${GATEWAY_CONTAINER} running`], name);
  }
});

t.test("another container is swapped in; the old one is kept until its removal", async (t) => {
  const bench = await begin(t);
  const old = await inspect(bench);
  bench.declare(otherThan("https://127.0.0.1:2"));
  t.match(await bench.look(ID.container), {
    kind: "drift",
    disturbs: "service",
    breaking: true,
    changes: [
      { what: "env AIGW_GITLAB_URL", from: "https://127.0.0.1:1", to: "https://127.0.0.1:2" },
      { what: "env AIGW_GITLAB_API_URL" },
    ],
  });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  t.equal((await inspect(bench, PREVIOUS))?.Id, old?.Id);
  t.same(await names(bench), [`${PREVIOUS} exited`, `${GATEWAY_CONTAINER} running`].sort());
  t.match(bench.log.at(-1), /the gateway was away for at most \d+\.\d s/);
  t.equal(bench.kept(ID.container).has("swap"), false);

  await t.test("a second swap makes room for itself", async (t) => {
    const second = await inspect(bench);
    bench.declare({ image: { kind: "auto", track: "19.5" } });
    await bench.converge();
    t.equal((await inspect(bench, PREVIOUS))?.Id, second?.Id);
    t.equal(await inspect(bench, old?.Id), null);
    t.ok((await inspect(bench))?.Config.Image.startsWith(`${GATEWAY_REPOSITORY}@sha256:`));
  });

  await t.test("a key that is made anew is a swap, and shows nothing of itself", async (t) => {
    bench.write("/var/lib/fettle-agent/secrets/gateway-aigw-signing.pem", "spoiled", 0o600);
    t.match(await bench.look(ID.container), { kind: "waiting", code: "gateway.container.no-keys" });
    await bench.repair(ID.keys);
    const verdict = await bench.look(ID.container);
    t.match(verdict, {
      changes: [{ what: "env AIGW_SELF_SIGNED_JWT__SIGNING_KEY", from: "another value", to: "the declared value" }],
      breaking: false,
    });
    t.match(await bench.repair(ID.container), { kind: "in-sync" });
  });

  await t.test("an open gate that stands from the swap before is not about this one", async (t) => {
    bench.gateOpen = true;
    t.match(await bench.look(ID.previous), { kind: "waiting", code: "gateway.previous.unconfirmed" });
    bench.clock.ahead = 31 * 60_000;
    t.match(await bench.look(ID.previous), { kind: "drift" }, "after half an hour it is");
    bench.clock.ahead = 0;
    bench.gateOpen = false;
    await bench.look(ID.previous);
    bench.gateOpen = true;
    t.match(await bench.look(ID.previous), { kind: "drift" }, "it was shut after the swap, so its opening counts");
    bench.gateOpen = null;
  });

  await t.test("the previous one is removed, and nothing else", async (t) => {
    t.match(await bench.look(ID.previous), {
      kind: "drift",
      changes: [{ what: PREVIOUS, from: "set aside", to: null }],
    });
    t.match(await bench.repair(ID.previous), { kind: "in-sync" });
    t.same(await names(bench), [`${GATEWAY_CONTAINER} running`]);
    t.match(await bench.look(ID.previous), { kind: "in-sync" });
  });
});

t.test("effective values count, whatever the label says", async (t) => {
  const bench = await begin(t);
  const made = await inspect(bench);
  const Labels = made?.Config.Labels;
  const right = {
    name: GATEWAY_CONTAINER,
    Image: made?.Config.Image ?? "",
    Labels: Labels ?? {},
    Env: made?.Config.Env ?? [],
    ExposedPorts: { "5052/tcp": {} },
    HostConfig: made?.HostConfig ?? {},
  };
  const cases = [
    {
      change: { Env: [...right.Env, "AIGW_AUTH__BYPASS_JWT_SIGNATURE=hunter2"] },
      what: "env AIGW_AUTH__BYPASS_JWT_SIGNATURE",
    },
    { change: { HostConfig: { ...right.HostConfig, SecurityOpt: [] } }, what: "security options" },
    { change: { HostConfig: { ...right.HostConfig, Privileged: true } }, what: "privileged" },
    { change: { HostConfig: { ...right.HostConfig, NetworkMode: "host" } }, what: "network" },
    { change: { HostConfig: { ...right.HostConfig, Binds: ["/etc:/host:ro"] } }, what: "mounts" },
    {
      change: { HostConfig: { ...right.HostConfig, LogConfig: { Type: "json-file", Config: {} } } },
      what: "log limits",
    },
    { change: { HostConfig: { ...right.HostConfig, PortBindings: {} } }, what: "ports" },
    { change: { Cmd: ["cat"] }, what: "command" },
    { change: { User: "root" }, what: "user" },
  ];
  await bench.docker.getContainer(GATEWAY_CONTAINER).remove({ force: true });
  for (const { change, what } of cases) {
    const other = await bench.docker.createContainer({ ...right, ...change } as Parameters<
      typeof bench.docker.createContainer
    >[0]);
    const verdict = await bench.look(ID.container);
    t.match(verdict, { kind: "drift", changes: [{ what }] }, what);
    t.notMatch(JSON.stringify(verdict), /hunter2|PRIVATE KEY/, "no value of what is not declared, and of no secret");
    await other.remove({ force: true });
  }
  await bench.docker.createContainer({ ...right, Env: [...right.Env, "EXTRA=1"] });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  t.notOk((await inspect(bench))?.Config.Env?.includes("EXTRA=1"));
});

t.test("what is somebody else's is not touched", async (t) => {
  const bench = await makeBench(t);
  await bench.repair(ID.keys);
  await bench.repair(ID.image);
  const [image] = await bench.docker.listImages();
  const Image = image?.RepoTags?.[0] ?? "";
  const foreign = [
    {
      name: GATEWAY_CONTAINER,
      options: { Labels: { "com.docker.compose.project": "duo", "com.docker.compose.project.working_dir": "/srv" } },
      verdict: {
        code: "gateway.container.foreign",
        args: { name: GATEWAY_CONTAINER, by: "docker compose, project duo in /srv" },
      },
    },
    { name: PREVIOUS, options: {}, verdict: { code: "gateway.container.foreign", args: { name: PREVIOUS } } },
    {
      name: "gitlab-aigw",
      options: { HostConfig: { PortBindings: { "5052/tcp": [{ HostIp: bench.address, HostPort: "5052" }] } } },
      start: true,
      verdict: { code: "gateway.container.port-held", args: { holder: /^container gitlab-aigw \(image .*docker run/ } },
    },
  ];
  for (const { name, options, start, verdict } of foreign) {
    const other = await bench.docker.createContainer({ name, Image, ...options });
    if (start) await other.start();
    const before = await other.inspect();
    t.match(await bench.look(ID.container), { kind: "blocked", ...verdict }, name);
    t.match(await bench.repair(ID.container), { kind: "blocked" });
    t.match(await bench.look(ID.previous), { kind: "in-sync" });
    t.match((await other.inspect()).State, before.State);
    await other.remove({ force: true });
  }
  const server = createServer((_, response) => response.end("mine"));
  await new Promise<void>((resolve) => server.listen(5052, bench.address, resolve));
  t.match(await bench.look(ID.container), {
    kind: "blocked",
    code: "gateway.container.port-held",
    args: { address: `${bench.address}:5052`, holder: new RegExp(`\\(pid ${process.pid}\\)$`) },
  });
  await new Promise((resolve) => server.close(resolve));
  t.match(await bench.repair(ID.container), { kind: "in-sync" }, "it starts by itself when the port is free");
});

t.test("a container that cannot be started, or does not stay up", async (t) => {
  const bench = await makeBench(t);
  await bench.repair(ID.keys);
  await bench.repair(ID.image);
  const errors = [
    ["failed to create task for container: no space left on device", "gateway.container.disk-full"],
    ["Bind for 127.0.0.1:5052 failed: port is already allocated", "gateway.container.port-held"],
    ["listen tcp4 127.0.0.1:5052: bind: cannot assign requested address", "gateway.container.address-absent"],
    ["OCI runtime create failed", "gateway.container.start-failed"],
  ] as const;
  for (const [startError, code] of errors) {
    bench.engine.faults.replace({ architecture: "amd64", startError });
    await t.rejects(bench.repair(ID.container), { code }, startError);
  }
  bench.engine.faults.replace({ architecture: "amd64" });
  t.match(await bench.repair(ID.container), { kind: "in-sync" });

  const script = "console.log(JSON.stringify({message:'no model at all',prompt:'secret'}));process.exit(3)";
  const failing = await makeBench(t, { image: { cmd: [process.execPath, "-e", script] } });
  await failing.repair(ID.keys);
  await failing.repair(ID.image);
  await failing.apply(ID.container);
  for (const end = performance.now() + 20_000; performance.now() < end; await new Promise((r) => setTimeout(r, 100)))
    if ((await failing.look(ID.container)).kind === "blocked") break;
  const verdict = await failing.look(ID.container);
  t.match(verdict, {
    kind: "blocked",
    code: "gateway.container.crashing",
    args: { exit: 3, problem: "no model at all" },
  });
  await failing.docker.getContainer(GATEWAY_CONTAINER).remove({ force: true });
});

t.test("an Engine that is away is said so, and nothing is done", async (t) => {
  const bench = await begin(t);
  bench.engine.faults.replace({ architecture: "amd64", down: true });
  for (const id of [ID.image, ID.container, ID.ready, ID.auth, ID.reachable, ID.previous])
    await t.rejects(bench.look(id), { code: "gateway.docker.away" }, id);
});

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import t, { type Test } from "tap";
import { startOf } from "./containers/process.ts";
import { runContract } from "./contract.ts";
import { CONTRACT_IMAGE, contractDefinition } from "./contract-image.ts";
import { type Engine, type EngineOptions, startEngine } from "./engine.ts";
import type { ImageDefinition } from "./images/definition.ts";
import { pullErrors } from "./images/pull-errors.ts";

const GATEWAY = "registry.gitlab.com/gitlab-org/model-gateway:self-hosted-v18.8.1-ee";

const gatewayImage: ImageDefinition = {
  reference: GATEWAY,
  layers: [3_000_000, 7_000_000, 1_000_000],
  env: {
    AIGW_CUSTOM_MODELS__ENABLED: "true",
    ENABLE_DUO_WORKFLOW_SERVICE: "true",
    DUO_WORKFLOW_AUTH__ENABLED: "false",
  },
  cmd: [process.execPath, fileURLToPath(new URL("../gateway/main.ts", import.meta.url))],
  exposedPorts: {
    "5052/tcp": { hostEnv: "AIGW_FASTAPI__API_HOST", portEnv: "AIGW_FASTAPI__API_PORT" },
    "50052/tcp": { hostEnv: "STAND_IN_DWS_HOST", portEnv: "STAND_IN_DWS_PORT" },
  },
  processEnv: { STAND_IN_CACHE_MS: "1000" },
};

interface World {
  docker: Docker;
  engine: Engine;
  socket: string;
  root: string;
  options: EngineOptions;
}

async function world(
  t: Test,
  images: readonly ImageDefinition[] | string = [contractDefinition, gatewayImage],
): Promise<World> {
  const dir = mkdtempSync(join(tmpdir(), "engine-"));
  const socket = join(dir, "docker.sock");
  const options = { socket, root: join(dir, "root"), images, control: join(dir, "control.sock") };
  const engine = await startEngine(options);
  t.teardown(() => engine.close());
  return { docker: new Docker({ socketPath: socket }), engine, socket, root: options.root, options };
}

type Line = { status?: string; id?: string; error?: string; progressDetail?: { current?: number; total?: number } };

async function pulled(docker: Docker, reference: string): Promise<Line[]> {
  const stream = await docker.pull(reference);
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text
    .trim()
    .split("\r\n")
    .map((line) => JSON.parse(line) as Line);
}

const refused = async (what: Promise<unknown>): Promise<{ statusCode?: number; message?: string }> =>
  await what.then(
    () => ({}),
    (error: object) => error,
  );

async function until<T>(look: () => Promise<T>, ready: (seen: T) => boolean): Promise<T> {
  for (const ends = Date.now() + 10_000; ; await sleep(20)) {
    const seen = await look();
    if (ready(seen)) return seen;
    if (Date.now() > ends) throw new Error(`not in 10 s: ${JSON.stringify(seen)}`);
  }
}

t.test("the contract of every Engine", async (t) => {
  const { docker, socket } = await world(t);
  await runContract(t, { docker, socket, image: CONTRACT_IMAGE, address: "127.0.31.1" });
});

t.test("a pull: layer by layer, then nothing to do, by its digest too", async (t) => {
  const { docker } = await world(t);
  const lines = await pulled(docker, GATEWAY);
  t.match(lines[0], { status: "Pulling from gitlab-org/model-gateway", id: "self-hosted-v18.8.1-ee" });
  t.equal(lines.filter(({ status }) => status === "Pull complete").length, 3);
  t.ok(
    lines.some(
      ({ status, progressDetail }) =>
        status === "Downloading" && progressDetail?.current === 7_000_000 && progressDetail.total === 7_000_000,
    ),
  );
  t.match(lines.at(-2), { status: /^Digest: sha256:[0-9a-f]{64}$/ });
  t.match(lines.at(-1), { status: `Status: Downloaded newer image for ${GATEWAY}` });
  const image = await docker.getImage(GATEWAY).inspect();
  const digest = lines.at(-2)?.status?.slice("Digest: ".length) ?? "";
  t.same(image.RepoDigests, [`registry.gitlab.com/gitlab-org/model-gateway@${digest}`]);
  t.match(image, { RepoTags: [GATEWAY], Size: 11_000_000 });
  t.match((await pulled(docker, GATEWAY)).at(-1), { status: `Status: Image is up to date for ${GATEWAY}` });
  t.equal((await docker.getImage(image.RepoDigests[0] ?? "").inspect()).Id, image.Id);
  t.match((await pulled(docker, image.RepoDigests[0] ?? "")).at(-1), { status: /^Status: Image is up to date/ });
});

t.test("a tag that is published anew is another image; the old one loses its name", async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), "engine-")), "images.json");
  const publish = (digit: string): void =>
    writeFileSync(file, JSON.stringify([{ ...gatewayImage, digest: `sha256:${digit.repeat(64)}` }]));
  publish("a");
  const { docker } = await world(t, file);
  await pulled(docker, GATEWAY);
  const before = await docker.getImage(GATEWAY).inspect();
  publish("b");
  t.match((await pulled(docker, GATEWAY)).at(-1), { status: /^Status: Downloaded newer/ });
  t.not((await docker.getImage(GATEWAY).inspect()).Id, before.Id);
  t.match(await docker.getImage(before.Id).inspect(), { RepoTags: [], RepoDigests: before.RepoDigests });
});

const missing: { reference: string; status: number; message: RegExp }[] = [
  {
    reference: GATEWAY.replace("18.8.1", "18.9.0"),
    status: 404,
    message: /manifest for .*:self-hosted-v18.9.0-ee not found: manifest unknown/,
  },
  {
    reference: "registry.gitlab.com/other/image:1",
    status: 404,
    message: /pull access denied for registry.gitlab.com\/other\/image, repository does not exist/,
  },
  { reference: "registry.example.test/other/image:1", status: 500, message: /no such host/ },
];

t.test("pulls that fail: before the first byte with a status, after it with a line", async (t) => {
  const { docker, engine } = await world(t);
  for (const { reference, status, message } of missing) {
    t.match(await refused(docker.pull(reference)), { statusCode: status, message }, reference);
  }
  for (const [pullError, { status, text }] of Object.entries(pullErrors) as [
    string,
    { status?: number; text: (host: string, reference: string) => string },
  ][]) {
    engine.faults.replace({ pullError });
    const message = text("registry.gitlab.com", GATEWAY);
    if (status !== undefined) t.match(await refused(docker.pull(GATEWAY)), { statusCode: status, message }, pullError);
    else t.match((await pulled(docker, GATEWAY)).at(-1), { error: message, errorDetail: { message } }, pullError);
    t.equal((await refused(docker.getImage(GATEWAY).inspect())).statusCode, 404, `${pullError}: no image`);
  }
  engine.faults.replace({});
  t.match((await pulled(docker, GATEWAY)).at(-1), { status: /Downloaded newer/ });
});

t.test("a pull that stalls is ended by its client, and goes on where it was", async (t) => {
  const { docker, engine } = await world(t);
  engine.faults.replace({ pullBytesPerSecond: 100_000_000, pullStallsAt: 0.5 });
  const stream = (await docker.pull(GATEWAY)) as NodeJS.ReadableStream & { destroy(): void };
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += String(chunk);
  });
  await until(
    async () => text,
    (seen) => seen.includes("2.5MB/7MB"),
  );
  const stalled = text;
  await sleep(200);
  t.equal(text, stalled, "nothing comes any more");
  stream.destroy();
  engine.faults.replace({});
  const again = await pulled(docker, GATEWAY);
  t.equal(again.filter(({ status }) => status === "Already exists").length, 1, "the layer that was whole");
  t.match(again.at(-1), { status: /Downloaded newer/ });
});

t.test("an image is saved and loaded elsewhere", async (t) => {
  const [from, to] = [await world(t), await world(t, [])];
  await pulled(from.docker, GATEWAY);
  const archive = await from.docker.getImage(GATEWAY).get();
  const answer = await to.docker.loadImage(archive);
  let text = "";
  for await (const chunk of answer) text += String(chunk);
  t.match(text, `Loaded image: ${GATEWAY}`);
  const [before, after] = [await from.docker.getImage(GATEWAY).inspect(), await to.docker.getImage(GATEWAY).inspect()];
  t.equal(after.Id, before.Id);
  t.same(after.RepoDigests, [], "a loaded image has no digest of a registry");
});

async function inside(
  docker: Docker,
  container: Docker.Container,
  Cmd: string[],
): Promise<{ text: string; exitCode: number | null }> {
  const exec = await container.exec({ Cmd, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({ hijack: true, stdin: false });
  const out = new PassThrough();
  docker.modem.demuxStream(stream, out, out);
  await new Promise((resolve) => stream.on("end", resolve).on("close", resolve));
  stream.destroy();
  return { text: String(out.read() ?? ""), exitCode: (await exec.inspect()).ExitCode };
}

t.test(
  "the gateway in a container: its ports where they are published, its bundle where it lies, curl inside",
  async (t) => {
    const { docker, root } = await world(t);
    await pulled(docker, GATEWAY);
    const bundle = join(root, "bundle.pem");
    writeFileSync(bundle, "the bundle\n");
    const container = await docker.createContainer({
      name: "gateway",
      Image: GATEWAY,
      Env: ["AIGW_GITLAB_URL=https://127.0.0.1:1", "REQUESTS_CA_BUNDLE=/tmp/ca.crt", "SSL_CERT_FILE=/tmp/ca.crt"],
      HostConfig: {
        Binds: [`${bundle}:/tmp/ca.crt:ro`],
        PortBindings: { "5052/tcp": [{ HostIp: "127.0.31.3", HostPort: "15052" }] },
      },
    });
    await container.start();
    const probe = [
      "curl",
      "-sS",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "http://127.0.31.3:15052/monitoring/healthz",
    ];
    await until(
      () => inside(docker, container, probe),
      ({ text }) => text === "200",
    );
    const { Pid } = (await container.inspect()).State;
    const environment = readFileSync(`/proc/${Pid}/environ`, "utf8").split("\0");
    t.ok(environment.includes(`REQUESTS_CA_BUNDLE=${bundle}`));
    t.ok(environment.includes("STAND_IN_CACHE_MS=1000"));
    const shown = (await container.inspect()).Config.Env;
    t.ok(shown.includes("REQUESTS_CA_BUNDLE=/tmp/ca.crt"), "what an inspection shows is what was asked");
    t.notOk(shown.some((one) => one.startsWith("STAND_IN")));
    t.match(
      environment.find((one) => one.startsWith("STAND_IN_DWS_HOST=")),
      /=127\.77\.\d+\.\d+$/,
      "not published: an address of its own",
    );
    t.same(await inside(docker, container, ["cat", "/tmp/ca.crt"]), { text: "the bundle\n", exitCode: 0 });
    t.match((await inside(docker, container, ["cat", "/etc/ssl/certs/ca-certificates.crt"])).text, /BEGIN CERTIFICATE/);
    t.match(await inside(docker, container, ["sh", "-c", "true"]), {
      text: /exec: "sh": executable file not found/,
      exitCode: 127,
    });
    t.match(await inside(docker, container, ["curl", "-sS", "https://127.0.0.1:1/"]), {
      text: /^curl: \(7\) Failed to connect to 127.0.0.1 port 1 after \d+ ms: Couldn't connect to server/,
      exitCode: 7,
    });
    await until(
      async () => String(await container.logs({ stderr: true })),
      (log) => log.includes('GET /monitoring/healthz HTTP/1.1\\" 200'),
    );
  },
);

t.test("another architecture than the image's: it starts and ends with what the kernel says", async (t) => {
  const { docker, engine } = await world(t, [{ ...gatewayImage, architecture: "amd64" }]);
  engine.faults.replace({ architecture: "arm64" });
  await pulled(docker, GATEWAY);
  t.equal((await docker.info()).Architecture, "aarch64");
  const container = await docker.createContainer({ Image: GATEWAY });
  await container.start();
  t.match(await container.wait(), { StatusCode: 255 });
  t.match(String(await container.logs({ stderr: true })), /exec format error/);
});

async function keepers(docker: Docker): Promise<Record<"kept" | "always" | "stopped" | "plain", Docker.Container>> {
  const make = async (name: string, policy: string): Promise<Docker.Container> => {
    const HostConfig = { RestartPolicy: { Name: policy } };
    const container = await docker.createContainer({ name, Image: CONTRACT_IMAGE, HostConfig });
    await container.start();
    return container;
  };
  const made = {
    kept: await make("kept", "unless-stopped"),
    always: await make("always", "always"),
    stopped: await make("stopped", "unless-stopped"),
    plain: await make("plain", "no"),
  };
  for (const one of [made.always, made.stopped]) await one.kill();
  return made;
}

const states = async (docker: Docker): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await docker.listContainers({ all: true })).map(({ Names, State }) => [Names[0]?.slice(1) ?? "", State]),
  );

const AFTER_A_START = { kept: "running", always: "running", stopped: "exited", plain: "exited" };

t.test("away and back: what policies say starts again", async (t) => {
  const { docker, engine, socket } = await world(t);
  const { kept, plain } = await keepers(docker);
  const { Pid } = (await kept.inspect()).State;
  for (const one of [kept, plain]) process.kill((await one.inspect()).State.Pid, "SIGKILL");
  await until(
    () => states(docker),
    ({ plain: state }) => state === "exited",
  );
  engine.faults.replace({ down: true });
  await until(
    async () => existsSync(socket),
    (there) => !there,
  );
  t.match(await refused(docker.ping()), { code: "ENOENT" });
  engine.faults.replace({});
  await until(async () => existsSync(socket), Boolean);
  t.match(
    await until(
      () => states(docker).catch(() => ({})),
      (seen) => "kept" in seen,
    ),
    AFTER_A_START,
  );
  t.not((await kept.inspect()).State.Pid, Pid);
});

const program = fileURLToPath(new URL("./main.ts", import.meta.url));

async function engineProgram(t: Test, dir: string): Promise<ChildProcess> {
  const images = join(dir, "images.json");
  writeFileSync(images, JSON.stringify([contractDefinition]));
  const args = ["--socket", join(dir, "docker.sock"), "--root", join(dir, "root"), "--images", images];
  const child = spawn(process.execPath, [program, ...args, "--api-version", "1.41"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  });
  return child;
}

t.test("as a program: killed, it leaves processes behind, and the next one takes their place", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "engine-"));
  const first = await engineProgram(t, dir);
  const docker = new Docker({ socketPath: join(dir, "docker.sock") });
  await until(
    () => docker.ping().catch(() => ""),
    (pong) => String(pong) === "OK",
  );
  t.match(await docker.version(), { ApiVersion: "1.41" });
  const { kept, always } = await keepers(docker);
  await always.start();
  for (const one of [kept, always]) {
    await until(
      () => one.logs({ stdout: true }),
      (log) => String(log).includes("out"),
    );
  }
  const { Pid } = (await kept.inspect()).State;
  first.kill("SIGKILL");
  await once(first, "exit");
  t.not(startOf(Pid), "", "its container outlives it");
  await engineProgram(t, dir);
  const seen = await until(
    () => states(docker).catch(() => ({})),
    (found) => "kept" in found,
  );
  // Seen on a real Engine: what it finds alive it stops itself, and `unless-stopped` means that too.
  t.match(seen, { kept: "exited", always: "running", stopped: "exited", plain: "exited" });
  t.equal(startOf(Pid), "", "no process of that number runs");
});

t.test("an Engine that is silent, a stream of events that is cut, a start that fails", async (t) => {
  const { docker, engine, socket } = await world(t);
  const events = (await docker.getEvents()) as NodeJS.ReadableStream;
  const cut = new Promise<void>((resolve) => events.on("error", () => resolve()).on("close", () => resolve()));
  events.resume();
  engine.faults.replace({ eventsCut: true });
  await cut;
  t.match(await refused(docker.getEvents()), { code: "ECONNRESET" });
  engine.faults.replace({ startError: "failed to create task for container: no space left on device" });
  const container = await docker.createContainer({ Image: CONTRACT_IMAGE });
  t.match(await refused(container.start()), { statusCode: 500, message: /no space left on device/ });
  t.match((await container.inspect()).State, { Status: "created", Error: /no space left/ });
  engine.faults.replace({ unresponsive: true });
  const hasty = new Docker({ socketPath: socket, timeout: 200 });
  t.match(await refused(hasty.ping()), { code: "ECONNRESET" });
  engine.faults.replace({});
  t.equal(String(await docker.ping()), "OK");
});

t.test("curl: what it says of a certificate that nobody vouches for, of an error page, of time", async (t) => {
  const server = createServer((request, response) => {
    if (request.url !== "/silent") response.writeHead(404).end("none");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const address = server.address();
  const at = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  const cases: { args: string[]; exitCode: number; out: string | RegExp; err: string | RegExp }[] = [
    { args: ["-sS", at], exitCode: 0, out: "none", err: "" },
    { args: ["-sSf", at], exitCode: 22, out: "", err: "curl: (22) The requested URL returned error: 404\n" },
    {
      args: ["-sS", "-o", "/dev/null", "-w", "%{http_code} %{exitcode} %{ssl_verify_result}\\n", at],
      exitCode: 0,
      out: "404 0 0\n",
      err: "",
    },
    {
      args: ["-sS", "-m", "0.2", `${at}/silent`],
      exitCode: 28,
      out: "",
      err: /Operation timed out after \d+ milliseconds with 0 bytes received/,
    },
    { args: ["-sS", at.replace("http", "https")], exitCode: 35, out: "", err: /wrong version number/ },
    {
      args: ["-s", "-w", "%{errormsg}", "http://nosuch.invalid"],
      exitCode: 6,
      out: "Could not resolve host: nosuch.invalid",
      err: "",
    },
    {
      args: ["-sS", "--cacert", "/nope", at.replace("http", "https")],
      exitCode: 77,
      out: "",
      err: /error setting certificate file: \/nope/,
    },
    { args: ["--bogus", at], exitCode: 2, out: "", err: /option --bogus: is unknown/ },
  ];
  for (const { args, exitCode, out, err } of cases) {
    const child = spawn(process.execPath, [fileURLToPath(new URL("./curl.ts", import.meta.url)), ...args], { env: {} });
    const [stdout, stderr] = await Promise.all(
      [child.stdout, child.stderr].map(async (stream) => {
        let text = "";
        for await (const chunk of stream) text += String(chunk);
        return text;
      }),
    );
    if (child.exitCode === null) await once(child, "exit");
    t.match({ exitCode: child.exitCode, out: stdout, err: stderr }, { exitCode, out, err }, args.join(" "));
  }
});

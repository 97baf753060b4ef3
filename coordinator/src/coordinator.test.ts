import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { caAnswer, enrolAnswer, enrolProof, LINK_PATH } from "@fettle/shared/api/enrol.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { encode } from "@fettle/shared/protocol/codec.ts";
import { pino } from "pino";
import t, { type Test } from "tap";
import { WebSocket } from "ws";
import { type Initialised, init } from "./admin/init.ts";
import { registerRoutes } from "./api/register.ts";
import { systemClock } from "./clock.ts";
import { type Config, pathsOf, readConfig } from "./config.ts";
import { type Context, createContext } from "./context.ts";
import { openCoordinator } from "./coordinator.ts";
import { type Env, readEnv } from "./env.ts";
import { newKey } from "./pki/keys.ts";
import { releaseFolders } from "./share.ts";

const HOST = "127.77.0.1";

async function root(test: Test): Promise<{ env: Env; config: Config; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "fettle-coordinator-"));
  test.teardown(() => rm(folder, { recursive: true, force: true }));
  const env = readEnv({
    FETTLE_DATA: join(folder, "data"),
    FETTLE_CONFIG: join(folder, "etc"),
    FETTLE_RUN: join(folder, "run"),
  });
  const anyPort = { host: HOST, port: 0 };
  return { env, folder, config: { ...readConfig(env), api: anyPort, agents: anyPort } };
}

interface Running {
  readonly context: Context;
  readonly api: number;
  readonly agents: number;
  stop(): Promise<void>;
}

async function run(test: Test, config: Config, lines: string[] = []): Promise<Running> {
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const context = await createContext({ config, clock: systemClock, logger: pino({ level: "info" }, sink) });
  const coordinator = await openCoordinator(context, registerRoutes);
  const abort = new AbortController();
  const running = coordinator.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  test.teardown(stop);
  return { context, api: coordinator.apiPort, agents: coordinator.agentPort, stop };
}

interface Answer {
  readonly status: number;
  readonly body: never;
}

async function call(options: RequestOptions, body?: unknown): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = { ...options.headers, ...(text === undefined ? {} : { "content-type": "application/json" }) };
  const open = options.socketPath === undefined ? request : plainRequest;
  const sent = open({ host: HOST, ...options, headers });
  sent.end(text);
  const [response] = await once(sent, "response");
  let said = "";
  for await (const chunk of response) said += chunk;
  return { status: response.statusCode, body: JSON.parse(said) as never };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "none",
    (error: unknown) => (error instanceof FettleError ? error.code : String(error)),
  );
}

/** Fetches the CA as an agent does, then enrols over a verified connection. */
async function enrol(api: number, token: string) {
  const shown = caAnswer.parse((await call({ port: api, path: "/v1/ca", rejectUnauthorized: false })).body);
  const verified = { port: api, ca: shown.ca, servername: shown.coordinatorName };
  const key = newKey();
  const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
  const id = must(token.split(".")[2], "id");
  const proof = sign("sha256", Buffer.from(enrolProof(id, publicKey)), createPrivateKey(key)).toString("base64");
  const body = { token, publicKey, proof, machineId: "m1", version: "0.1.0" };
  const answer = await call({ ...verified, path: "/v1/enrol", method: "POST" }, body);
  return { key, verified, answer };
}

const REPORT = { desired: null, facts: {}, resources: [], health: null, ports: [], pauses: [] };
const HELLO = { version: "0.1.0", protocol: 1, capabilities: [], roles: [], machineId: "m1", bootId: "b" };

t.test("init makes everything once, for its owner alone", async (t) => {
  const { config, folder } = await root(t);
  const made: Initialised = await init(config.paths, systemClock);
  t.match(made.token.reveal(), /^fettleapi1\.[a-z0-9]{16}\.[\w-]{43}$/);
  const mode = async (path: string): Promise<number> => (await stat(join(folder, path))).mode & 0o777;
  t.equal(await mode("data"), 0o700);
  for (const path of ["data/fettle.db", "data/pki/ca.key"]) t.equal(await mode(path), 0o600, path);
  t.same((await readdir(join(folder, "data"))).sort(), ["fettle.db", "pki"], "nothing is left beside them");
  const database = await readFile(join(folder, "data/fettle.db"), "latin1");
  t.notOk(database.includes(must(made.token.reveal().split(".")[2], "secret")), "the token is not in the database");
  const before = await readFile(join(folder, "data/pki/ca.key"), "utf8");
  t.equal(await codeOf(init(config.paths, systemClock)), "coordinator.exists");
  await rm(join(folder, "data/fettle.db"));
  t.equal(await codeOf(init(config.paths, systemClock)), "coordinator.exists", "a CA without its database is kept too");
  t.equal(await readFile(join(folder, "data/pki/ca.key"), "utf8"), before);
  t.equal(
    await codeOf(createContext({ config, clock: systemClock, logger: pino({ level: "silent" }) })),
    "store.not-initialised",
  );
});

t.test("from a token to a connected agent, over the wire, and again after a restart", async (t) => {
  const { config, folder } = await root(t);
  const { token } = await init(config.paths, systemClock);
  const lines: string[] = [];
  const first = await run(t, config, lines);
  const admin = { authorization: `Bearer ${token.reveal()}` };
  const minted = await first.context.pki.mint({ stack: "duo", node: "ollama-1", roles: ["ollama"], by: "test" });
  const { answer, key, verified } = await enrol(first.api, minted.token.reveal());
  const identity = enrolAnswer.parse(answer.body);
  t.match(identity, { node: "ollama-1", stack: "duo", roles: ["ollama"], agentPort: first.agents });
  const refused = await enrol(first.api, minted.token.reveal());
  t.match(refused.answer, { status: 409, body: { error: { code: "identity.token-used" } } });
  t.match(await call({ ...verified, path: "/v1/enrol", method: "POST" }, { token: "x" }), {
    status: 400,
    body: { error: { code: "api.bad-request" } },
  });
  const connect = async ({ agents, context }: Running): Promise<WebSocket> => {
    const tls = { cert: identity.certificate, key, ca: identity.ca, servername: identity.coordinatorName };
    const socket = new WebSocket(`wss://${HOST}:${agents}${LINK_PATH}`, tls);
    await once(socket, "open");
    socket.send(encode("hello", "1", { ...HELLO, instanceId: "", wallMs: Date.now(), monoMs: 1, report: REPORT }));
    const [welcome] = await once(socket, "message");
    t.match(JSON.parse(String(welcome)), { type: "welcome", body: { epoch: 1, stack: "duo" } });
    while (!context.hub.connected("ollama-1")) await systemClock.sleep(5);
    return socket;
  };
  const socket = await connect(first);
  const health = await call({ ...verified, path: "/healthz" });
  t.match(health, {
    status: 200,
    body: { ok: true, store: { writable: true }, ca: { daysLeft: 3649 }, issuer: { daysLeft: 1824 }, agents: 1 },
  });
  const events = await first.context.store.events.list({ after: "", limit: 9 });
  t.same(
    events.map(({ kind }) => kind),
    ["node.enrolled", "node.connected"],
  );
  const closed = once(socket, "close");
  await first.stop();
  t.equal(String((await closed)[1]), "link.going-away");
  const second = await run(t, config, lines);
  await connect(second);
  t.match(
    await call({ ...verified, port: second.api, path: "/healthz" }),
    { status: 200 },
    "the same certificate and CA",
  );
  t.match(await second.context.store.nodes.get("ollama-1"), { machineId: "m1", version: "0.1.0" });
  t.match(await call({ ...verified, port: second.api, path: "/v1/api-tokens", headers: admin }), { status: 200 });
  const { store } = second.context;
  await store.db
    .updateTable("identities")
    .set({ fingerprint: "f".repeat(64) })
    .execute();
  await t.rejects(connect(second), /401|403/, "a certificate that is not in the database");
  const now = systemClock.now();
  await store.restores.add({ epoch: 2, madeAt: now - 60_000, restoredAt: now + 5_000 });
  await connect(second);
  t.equal((await store.identities.live("ollama-1", now)).length, 1, "issued since the backup it counts, and alone");
  const secrets = [minted.token.reveal(), token.reveal()].map((text) => must(text.split(".").at(-1), "secret"));
  const files = ["fettle.db", "fettle.db-wal"].map((name) => readFile(join(folder, "data", name), "latin1"));
  const disk = (await Promise.all(files)).join("");
  for (const secret of secrets)
    t.notOk(lines.join("").includes(secret) || disk.includes(secret), "no secret in log or file");
});

t.test("who may ask what, on which door", async (t) => {
  const { config, folder } = await root(t);
  await init(config.paths, systemClock);
  const { api, context } = await run(t, config);
  const open = { port: api, rejectUnauthorized: false };
  const socketPath = join(folder, "run/admin.sock");
  t.equal((await stat(socketPath)).mode & 0o777, 0o600);
  t.match(await call({ socketPath, path: "/v1/api-tokens" }), { status: 200 }, "whoever opens the socket is admin");
  t.match(await call({ ...open, path: "/v1/api-tokens" }), {
    status: 401,
    body: { error: { code: "api.unauthenticated" } },
  });
  const headers = { authorization: `Bearer fettleapi1.${"0".repeat(16)}.${"A".repeat(43)}` };
  t.match(await call({ ...open, path: "/v1/api-tokens", headers }), { status: 401 });
  t.match(await call({ ...open, path: "/v1/none" }), { status: 404, body: { error: { code: "api.not-found" } } });
  t.match(await call({ ...open, path: "/healthz" }), { status: 200, body: { ok: true } }, "health needs no token");
  t.equal(
    await codeOf(openCoordinator({ ...context, config: { ...config, paths: config.paths } }, registerRoutes)),
    "coordinator.cannot-listen",
    "a second coordinator on the same socket does not take it away",
  );
});

t.test("a socket that a killed coordinator left is taken over; a port that is held is named", async (t) => {
  const { config, folder } = await root(t);
  await init(config.paths, systemClock);
  const first = await run(t, config);
  const held = {
    ...config,
    paths: { ...config.paths, run: join(folder, "run2") },
    api: { host: HOST, port: first.api },
  };
  const context = await createContext({ config: held, clock: systemClock, logger: pino({ level: "silent" }) });
  const failure = await openCoordinator(context, registerRoutes).catch((error: FettleError) => error);
  t.match(failure, { code: "coordinator.cannot-listen", args: { address: `${HOST}:${first.api}` } });
  await first.stop();
  await writeFile(join(folder, "run/admin.sock"), "");
  const again = await run(t, config);
  t.ok(again.api > 0);
});

/** Environment and file, and the configuration or the place of the mistake. */
const CONFIGS: [string, NodeJS.ProcessEnv, string, object | string][] = [
  [
    "defaults",
    {},
    "",
    { api: { host: "0.0.0.0", port: 7443 }, agents: { host: "0.0.0.0", port: 7444 }, logLevel: "info" },
  ],
  [
    "the file",
    {},
    "listen: { api: '127.0.0.1:1', agents: '[::1]:2' }\nnames: [hq.example, 10.0.0.1]",
    { api: { host: "127.0.0.1", port: 1 }, agents: { host: "::1", port: 2 }, names: ["hq.example", "10.0.0.1"] },
  ],
  [
    "the environment comes first",
    { FETTLE_LISTEN_API: "127.0.0.2:3" },
    "listen: { api: '127.0.0.1:1' }",
    { api: { host: "127.0.0.2", port: 3 } },
  ],
  ["an unknown key", {}, "listne: {}", "coordinator.yaml"],
  ["no YAML", {}, "a: [", "coordinator.yaml"],
  ["a name that is none", {}, "names: ['a b']", "names.0"],
  ["an address without a port", { FETTLE_LISTEN_AGENTS: "127.0.0.1" }, "", "FETTLE_LISTEN_AGENTS"],
  ["one port for both", { FETTLE_LISTEN_AGENTS: "127.0.0.1:1", FETTLE_LISTEN_API: "127.0.0.1:1" }, "", "listen"],
  ["a log level", { FETTLE_LOG_LEVEL: "loud" }, "", "FETTLE_LOG_LEVEL"],
  ["a folder to share from", { FETTLE_SHARE: "/opt/fettle/1.0.0" }, "", { share: "/opt/fettle/1.0.0" }],
  ["a relative folder", { FETTLE_DATA: "data" }, "", "FETTLE_DATA"],
];

t.test("configuration: environment, file, defaults; contradictions stop the start", async (t) => {
  for (const [name, environment, text, expected] of CONFIGS) {
    const folder = await mkdtemp(join(tmpdir(), "fettle-config-"));
    await writeFile(join(folder, "coordinator.yaml"), text);
    const read = (): Config => readConfig(readEnv({ FETTLE_CONFIG: folder, ...environment }));
    if (typeof expected === "object") t.match(read(), expected, name);
    else t.match(t.throws(read), { code: "coordinator.bad-config", args: { where: new RegExp(expected) } }, name);
    await rm(folder, { recursive: true });
  }
  const { share, paths } = readConfig(readEnv({ FETTLE_CONFIG: "/nowhere" }));
  t.ok(existsSync(join(share, "deploy/units")), "in a checkout the repository's root is what came with the program");
  const folders = [join(paths.data, "releases"), join(share, "agents"), join(share, "dist/release")];
  t.same(releaseFolders({ paths, share }), folders);
  t.same(releaseFolders({ paths, share: "/opt/fettle/1.0.0" }).slice(1), ["/opt/fettle/1.0.0/agents"]);
  t.same(pathsOf(readEnv({})), { data: "/var/lib/fettle", config: "/etc/fettle", run: "/run/fettle" });
});

import { createHash, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { init } from "@fettle/coordinator/admin/init.ts";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { run } from "@fettle/coordinator/cli/run.ts";
import { systemClock } from "@fettle/coordinator/clock.ts";
import { readConfig } from "@fettle/coordinator/config.ts";
import { type Context, createContext } from "@fettle/coordinator/context.ts";
import { openCoordinator } from "@fettle/coordinator/coordinator.ts";
import { readEnv } from "@fettle/coordinator/env.ts";
import { pino } from "pino";
import t, { type Test } from "tap";

interface World {
  readonly folder: string;
  readonly url: string;
  readonly pin: string;
  readonly token: string;
  readonly context: Context;
  fettle(args: readonly string[], input?: string, env?: object): Promise<{ code: number; out: string; err: string }>;
}

/** A coordinator on TLS, and the CLI of a user elsewhere with a home of their own. */
async function begin(t: Test): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "fettle-login-"));
  const places = { FETTLE_DATA: "data", FETTLE_CONFIG: "etc", FETTLE_RUN: "run" };
  const env = readEnv(Object.fromEntries(Object.entries(places).map(([name, at]) => [name, join(folder, at)])));
  const anyPort = { host: "127.77.0.3", port: 0 };
  const config = { ...readConfig(env), api: anyPort, agents: anyPort };
  const { token } = await init(config.paths, systemClock);
  const context = await createContext({ config, clock: systemClock, logger: pino({ level: "silent" }) });
  const coordinator = await openCoordinator(context, registerRoutes);
  const stop = new AbortController();
  const running = coordinator.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
    rmSync(folder, { recursive: true });
  });
  const { publicKey } = new X509Certificate(context.pki.server().certificate);
  const pin = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
  const fettle: World["fettle"] = async (args, input = "", more = {}) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await run(args, {
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
      environment: { HOME: join(folder, "home"), ...more },
      clock: { now: Date.now, mono: () => performance.now(), sleep: async () => undefined, random: () => 0.5 },
      signal: AbortSignal.timeout(20_000),
      readFile: async (path) => (path === "-" ? input : readFileSync(path, "utf8")),
    });
    return { code, out: out.join(""), err: err.join("") };
  };
  const url = `https://127.77.0.3:${coordinator.apiPort}`;
  return { folder, url, pin: `sha256//${pin}`, token: token.reveal(), context, fettle };
}

t.test("login, the other commands, logout", async (t) => {
  const { folder, url, pin, token, fettle } = await begin(t);
  const file = join(folder, "home/.config/fettle/login.json");
  const entered = await fettle(["login", url, "--pin", pin], `${token}\n`);
  t.match(entered, { code: 0, out: /logged in at https/ });
  t.notMatch(entered.out + entered.err, token, "the token is not shown");
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(join(folder, "home/.config/fettle")).mode & 0o777, 0o700);
  t.match(await fettle(["token", "list"]), { code: 0, out: /first-admin/ });
  t.match((await fettle(["token", "list"], "", { FETTLE_URL: url })).err, /cli\.environment/, "environment first");
  const socket = { FETTLE_SOCKET: join(folder, "run/admin.sock") };
  const made = await fettle(["token", "create", "--api", "viewer", "--name", "other"], "", socket);
  t.ok(made.err.includes(`fettle login https://127.77.0.3:`) && made.err.includes(pin), "says how to log in with it");
  t.match(await fettle(["token", "list"], "", socket), { code: 0, out: /other/ }, "the socket that is named");
  chmodSync(file, 0o644);
  t.match((await fettle(["token", "list"])).err, /cli\.bad-login/, "others may read it");
  t.match(await fettle(["logout"]), { code: 0, out: /forgot/ });
  t.notOk(existsSync(file));
  t.match(await fettle(["logout"]), { code: 0, out: /no login/ });
});

t.test("by the CA, from a file; the folder that XDG names", async (t) => {
  const { folder, url, token, fettle } = await begin(t);
  const ca = join(folder, "data/pki/ca.pem");
  const env = { XDG_CONFIG_HOME: join(folder, "xdg") };
  t.match(await fettle(["login", url, "--ca", ca, "--token-file", "-"], token, env), { code: 0 });
  t.ok(existsSync(join(folder, "xdg/fettle/login.json")));
  t.match(await fettle(["token", "list"], "", env), { code: 0 });
});

const OTHER_PIN = `sha256//${"A".repeat(43)}=`;

t.test("what is refused stores nothing", async (t) => {
  const { folder, url, pin, token, fettle } = await begin(t);
  const wrong = `fettleapi1.${"0".repeat(16)}.${"x".repeat(43)}`;
  const cases: readonly [string, readonly string[], string, string][] = [
    ["another key", [url, "--pin", OTHER_PIN], token, "cli.other-key"],
    ["no proof", [url], token, "cli.usage"],
    ["both", [url, "--pin", pin, "--ca", "/x"], token, "cli.usage"],
    ["no pin", [url, "--pin", "sha256//x"], token, "cli.usage"],
    ["http", [url.replace("https", "http"), "--pin", pin], token, "cli.usage"],
    ["no URL", ["https://[", "--pin", pin], token, "cli.usage"],
    ["no token", [url, "--pin", pin], "", "cli.usage"],
    ["a token of nobody", [url, "--pin", pin], wrong, "api.unauthenticated"],
    ["nobody there", ["https://127.77.0.3:1", "--pin", pin], token, "cli.unreachable"],
    ["no file", [url, "--pin", pin, "--token-file", "/nowhere"], "", "cli.file-unreadable"],
    ["another CA", [url, "--ca", join(import.meta.dirname, "login.test.ts")], token, "cli.u"],
  ];
  for (const [name, args, input, code] of cases) {
    const { code: status, err } = await fettle(["login", ...args], input);
    t.equal(status, 1, name);
    t.match(err, code, name);
  }
  t.notOk(existsSync(join(folder, "home")));
});

t.test("nothing is sent to a server with another key", async (t) => {
  const { pin, token, context, fettle } = await begin(t);
  const other = await begin(t);
  const { certificate, key } = context.pki.server();
  const seen: string[] = [];
  const server = createServer({ cert: certificate, key: key.reveal() }, (request, response) => {
    seen.push(request.url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.77.0.4", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const url = `https://127.77.0.4:${port}`;
  t.match((await other.fettle(["login", url, "--pin", other.pin], token)).err, /cli\.other-key/);
  t.same(seen, []);
  t.match((await fettle(["login", url, "--pin", pin], token)).err, /cli\.bad-answer/, "the right key is asked");
  t.same(seen, ["/v1/ca"], "and the token waits for its answer");
});

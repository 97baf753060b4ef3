import { FettleError } from "@fettle/shared/lib/errors.ts";
import t from "tap";
import { loadConfig, parseConfig } from "./config.ts";
import { readEnv } from "./env.ts";
import { createLogger } from "./logger.ts";
import { Secrets } from "./secrets.ts";
import type { FileStat, Files } from "./system/files.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof FettleError ? error.code : String(error);
  }
  return "nothing thrown";
};

t.test("env: defaults, and what is refused", (t) => {
  t.match(readEnv({}), { configPath: "/etc/fettle/agent.yaml", dataFolder: "/var/lib/fettle-agent", token: null });
  t.equal(readEnv({ FETTLE_TOKEN: " abc\n" }).token?.reveal(), "abc");
  for (const bad of ["relative", "/a/../b", "/trailing/", "", "//x"])
    t.equal(
      codeOf(() => readEnv({ FETTLE_AGENT_DATA: bad })),
      "agent.env-invalid",
      bad,
    );
  t.equal(
    codeOf(() => readEnv({ FETTLE_LOG_LEVEL: "loud" })),
    "agent.env-invalid",
  );
  t.end();
});

t.test("config: the forms of a coordinator, and the defaults", (t) => {
  const { coordinators, gitlabPollSeconds, policy } = parseConfig(
    "agent.yaml",
    'coordinators: [172.31.11.5, "fettle.internal:9444", "[fd00::5]:1", { host: x, apiPort: 2 }]',
  );
  t.strictSame(coordinators, [
    { host: "172.31.11.5", apiPort: 7443 },
    { host: "fettle.internal", port: 9444, apiPort: 7443 },
    { host: "[fd00::5]", port: 1, apiPort: 7443 },
    { host: "x", apiPort: 2 },
  ]);
  t.equal(gitlabPollSeconds, 60);
  t.strictSame(policy.ollama.registries, []);
  t.strictSame(
    parseConfig("x", "coordinators: [a]\npolicy: { ollama: { registries: [hf.co] } }").policy.ollama.registries,
    ["hf.co"],
  );
  t.end();
});

t.test("config: what is not understood stops the start and says where", (t) => {
  const cases: readonly [string, RegExp][] = [
    ["", /top level/],
    ["coordinators: []", /coordinators: name at least one/],
    ["coordinators: [a b]", /coordinators/],
    ["coordinators: ['a:99999']", /coordinators/],
    ["coordinators: [a]\nextra: 1", /extra/],
    ["coordinators: [a]\npolicy: { ollama: { enviroment: [X] } }", /policy.ollama/],
    ["coordinators: [a]\npolicy: { ollama: { source: 'file:///x' } }", /policy.ollama.source/],
    ["coordinators: [a]\npolicy: { ollama: { archives: { 1.0.0: { x64: abc } } } }", /archives/],
    ["coordinators: [a", /line 1/],
    ["coordinators: [a]\ngitlabPollSeconds: 0", /gitlabPollSeconds/],
    ["a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]", /aliases/],
  ];
  for (const [text, where] of cases)
    t.throws(() => parseConfig("agent.yaml", text), { code: "agent.config-invalid", message: where }, text);
  t.end();
});

t.test("config: only root's own file counts", async (t) => {
  const stat: FileStat = { kind: "file", size: 1, mode: 0o600, uid: 0, gid: 0, mtimeMs: 0 };
  const load = (found: Partial<FileStat> | null) => {
    const files = { stat: async () => found && { ...stat, ...found }, readText: async () => "coordinators: [a]" };
    return loadConfig(files as unknown as Files, "/etc/fettle/agent.yaml", 1000);
  };
  await t.resolves(load({}));
  await t.resolves(load({ uid: 1000 }), "who runs the agent may own it");
  await t.rejects(load(null), { code: "agent.config-absent" });
  for (const bad of [{ mode: 0o640 }, { mode: 0o604 }, { uid: 33 }, { kind: "link" }, { kind: "directory" }] as const)
    await t.rejects(load(bad), { code: "agent.config-exposed" }, JSON.stringify(bad));
});

const TOKEN = 'glpat-Ab+/9"x\\yZ_canary-0001';
const PEM = `-----BEGIN PRIVATE KEY-----\n${"Qm9n".repeat(16)}\n${"c3Vz".repeat(16)}\n-----END PRIVATE KEY-----\n`;

t.test("secrets: every form is cut out", (t) => {
  const secrets = new Secrets();
  secrets.add(TOKEN);
  secrets.add(PEM);
  secrets.add("short");
  const texts: readonly string[] = [
    `token=${TOKEN}!`,
    JSON.stringify({ token: TOKEN }),
    JSON.stringify({ body: JSON.stringify({ token: TOKEN }) }),
    `?private_token=${encodeURIComponent(TOKEN)}&x`,
    Buffer.from(TOKEN).toString("base64"),
    Buffer.from(`oauth2:${TOKEN}`).toString("base64"),
    Buffer.from(`x${TOKEN}tail`).toString("base64"),
    Buffer.from(`xx${TOKEN}tail`).toString("base64url"),
    Buffer.from(TOKEN).toString("hex"),
    PEM,
    PEM.replaceAll("\n", "\r\n"),
    JSON.stringify(PEM),
    `key line ${"c3Vz".repeat(16)}\r\n`,
  ];
  for (const text of texts) {
    const cut = secrets.cut(text);
    t.match(cut, /\[redacted\]/, text);
    for (const trace of ["canary", "Y2FuYXJ5", "c3Vzc3Vz", "Qm9nQm9n", "63616e617279"]) t.notMatch(cut, trace, text);
  }
  t.equal(secrets.cut("a short story"), "a short story");
  t.end();
});

t.test("secrets: in pieces of every size, nothing slips through and nothing else is lost", (t) => {
  const secrets = new Secrets();
  secrets.add(TOKEN);
  secrets.add("glpat-other-secret");
  const text = `before ${TOKEN} between glpat-oth glpat-other-secret${TOKEN} after glpat-`;
  for (let size = 1; size <= text.length; size += 1) {
    const cutter = secrets.stream();
    let out = "";
    for (let at = 0; at < text.length; at += size) {
      const piece = cutter.push(text.slice(at, at + size));
      out += piece;
    }
    out += cutter.end();
    t.equal(out, "before [redacted] between glpat-oth [redacted][redacted] after glpat-", `pieces of ${size}`);
  }
  t.end();
});

t.test("logger: a known secret in any field is cut out of the line", (t) => {
  const secrets = new Secrets();
  secrets.add(TOKEN);
  const lines: string[] = [];
  const log = createLogger("info", secrets, { write: (line: string) => void lines.push(line) });
  log.info({ url: `https://x/?t=${TOKEN}`, error: new Error(TOKEN) }, "request failed");
  log.debug("not this");
  t.equal(lines.length, 1);
  t.match(lines[0], /request failed/);
  t.notMatch(lines[0], "canary");
  t.end();
});

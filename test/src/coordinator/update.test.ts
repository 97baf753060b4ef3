import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { run } from "@fettle/coordinator/cli/run.ts";
import type { Release } from "@fettle/coordinator/mirror/releases.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { AgentStatus, UpdateStatus } from "@fettle/shared/protocol/agent-status.ts";
import { type ReleaseManifest, releaseArchiveName } from "@fettle/shared/release/manifest.ts";
import Fastify from "fastify";
import t, { type Test } from "tap";
import { manifestOf, newReleaseKey, signedBy } from "../update/releases.ts";
import { type Bench, EXAMPLE, makeBench } from "./bench.ts";

const key = newReleaseKey();
const NODES = ["gateway-1", "gitlab-1", "ollama-1"] as const;
type Node = (typeof NODES)[number];

function release(change: Partial<ReleaseManifest> = {}, keys = [key]): Release {
  const manifest = manifestOf(change);
  return { manifest, signed: signedBy(manifest, keys), path: `/releases/${releaseArchiveName(manifest)}` };
}

interface Scene {
  readonly bench: Bench;
  readonly fettle: (line: string) => Promise<{ code: number; out: string; err: string }>;
  /** The node's agent says this of itself. */
  readonly says: (node: Node, version: string, update?: Partial<UpdateStatus> | null) => Promise<void>;
  /** Who is given a release now, and which. */
  readonly given: () => string[];
  readonly token: () => string;
}

/** A coordinator with a release 0.2.0 and three connected agents that run 0.1.0; its CLI on a real socket. */
async function scene(t: Pick<Test, "teardown">, ...releases: Release[]): Promise<Scene> {
  const bench = await makeBench();
  bench.releases.push(...(releases.length === 0 ? [release()] : releases));
  const folder = mkdtempSync(join(tmpdir(), "fettle-update-cli-"));
  const app = Fastify({ forceCloseConnections: true });
  registerRoutes(app, bench.context);
  await app.listen({ path: join(folder, "admin.sock") });
  t.teardown(async () => {
    await app.close();
    await bench.stop();
    rmSync(folder, { recursive: true });
  });
  const fettle: Scene["fettle"] = async (line) => {
    const [out, err]: [string[], string[]] = [[], []];
    let mono = 0;
    const code = await run(line.split(" "), {
      stdout: { columns: 160, write: (text: string) => out.push(text) },
      stderr: { write: (text: string) => err.push(text) },
      environment: { FETTLE_SOCKET: join(folder, "admin.sock") },
      clock: {
        now: () => bench.clock.now(),
        mono: () => mono,
        sleep: async (ms) => {
          mono += ms;
        },
        random: () => 0.5,
      },
      signal: new AbortController().signal,
      readFile: async () => EXAMPLE,
    });
    await bench.drain();
    return { code, out: out.join(""), err: err.join("") };
  };
  const token = () => {
    const found = NODES.map((node) => bench.hub.last(node)?.agent).find((agent) => agent?.release);
    return must(found, "a node that is given a release").token;
  };
  const says: Scene["says"] = async (node, version, update = null) => {
    const whole = update && { version: "0.2.0", from: "0.1.0", state: "done" as const, at: 1, token: "", ...update };
    const agent: AgentStatus = {
      version,
      dev: false,
      update: whole,
      trusts: [],
      certificateExpiresAt: null,
      observing: null,
    };
    await bench.report(node, [], { agent, facts: { arch: "x64" } });
  };
  const given = () =>
    NODES.flatMap((node) => {
      const wanted = bench.hub.last(node)?.agent?.release;
      return wanted ? [`${node} ${(JSON.parse(wanted.manifest) as ReleaseManifest).version}`] : [];
    });
  await fettle("apply -f stack.yaml --no-plan");
  for (const node of NODES) await bench.connect(node);
  for (const node of NODES) await says(node, "0.1.0");
  return { bench, fettle, says, given, token };
}

t.test("all nodes, one after the other; what each says is told, and who goes first", async (t) => {
  const { bench, fettle, says, given, token } = await scene(t);
  t.match(await fettle("update --status"), { code: 0, out: /no update was asked for\nthe coordinator has 0\.2\.0/ });
  t.same(given(), []);
  const asked = await fettle("update");
  t.match(asked, {
    code: 0,
    out: /^to 0\.2\.0: ollama-1 first, then the rest one at a time\nNODE +RUNS +WANTED +UPDATE/,
  });
  const own = token();
  for (const node of ["ollama-1", "gateway-1", "gitlab-1"] as const) {
    t.same(given(), [`${node} 0.2.0`]);
    await says(node, "0.1.0", { state: "fetching", token: own });
    await says(node, "0.2.0", { state: "trial", token: own });
    t.same(given(), [`${node} 0.2.0`], "nobody else before it has proved itself");
    await says(node, "0.2.0", { state: "done", token: own });
  }
  t.same(given(), []);
  t.match(await fettle("update --status"), { code: 0, out: /gitlab-1 +0\.2\.0 +0\.2\.0 +done/ });
  t.match(await fettle("update --wait"), { code: 0, out: /every node runs 0\.2\.0 already/ });
  const { audit } = JSON.parse((await fettle("get audit --json")).out) as { audit: { what: string }[] };
  t.ok(audit.some(({ what }) => what === "update 0.2.0"));
  t.ok(bench);
});

t.test("halts at the first failure, says where and why, and goes on when it is asked again", async (t) => {
  const { fettle, says, given, token } = await scene(t);
  await fettle("update");
  const first = token();
  await says("ollama-1", "0.2.0", { state: "done", token: first });
  t.same(given(), ["gateway-1 0.2.0"]);
  const rolledBack = {
    state: "rolled-back",
    token: first,
    code: "update.crashed",
    reason: "0.2.0 ended by itself 3 times",
  } as const;
  await says("gateway-1", "0.1.0", rolledBack);
  t.same(given(), [], "nobody else is given it");
  t.match(await fettle("update --status --wait"), { code: 1, err: /stopped at gateway-1: 0\.2\.0 ended by itself/ });
  t.match(await fettle("update --status"), {
    out: /gateway-1 +0\.1\.0 +0\.2\.0 +failed +0\.2\.0 ended by itself[\s\S]*gitlab-1 +0\.1\.0 +0\.2\.0 +halted/,
  });
  const whole = /\ngateway-1: 0\.2\.0 ended by itself 3 times \(update\.crashed\)\n {2}Tell the maker of the release/;
  t.match(await fettle("update --status"), { out: whole }, "what a row has no room for is said below");
  t.match(await fettle("status"), { out: /gateway-1 finding The update to 0\.2\.0 has stopped at gateway-1/ });
  t.match(await fettle("get nodes"), { out: /gateway-1 .* 0\.1\.0 -> 0\.2\.0 failed/ });
  t.match(await fettle("update"), { out: /to 0\.2\.0: gateway-1 first/ });
  t.same(given(), ["gateway-1 0.2.0"]);
  t.not(token(), first, "with a new token, so that it is tried again");
});

t.test("one that is away holds nobody up, and gets it when it is back", async (t) => {
  const { bench, fettle, says, given, token } = await scene(t);
  bench.hub.live.delete("ollama-1");
  await fettle("update");
  t.same(given(), ["gateway-1 0.2.0"]);
  const own = token();
  for (const node of ["gateway-1", "gitlab-1"] as const) await says(node, "0.2.0", { state: "done", token: own });
  t.match(await fettle("update --status"), { out: /ollama-1 +0\.1\.0 +0\.2\.0 +offline/ });
  await bench.connect("ollama-1");
  await says("ollama-1", "0.1.0");
  t.same(given(), ["ollama-1 0.2.0"]);
});

t.test("one that is back just when the next was given it waits for its turn", async (t) => {
  const { bench, fettle, says, given } = await scene(t);
  bench.hub.live.delete("ollama-1");
  await fettle("update");
  t.same(given(), ["gateway-1 0.2.0"]);
  await bench.connect("ollama-1");
  await says("ollama-1", "0.1.0");
  t.same(given(), ["gateway-1 0.2.0"], "though gateway-1 has not said yet that it has begun");
});

t.test("of those that waited and are let go at once one goes on", async (t) => {
  const { fettle, says, given, token } = await scene(t);
  await fettle("update");
  const own = token();
  const waits = { state: "waiting", token: own, code: "update.observing" } as const;
  for (const node of ["ollama-1", "gateway-1", "gitlab-1"] as const) await says(node, "0.1.0", waits);
  t.equal(given().length, 3);
  await says("gitlab-1", "0.1.0", { state: "fetching", token: own });
  t.same(given(), ["gitlab-1 0.2.0"]);
  await says("gateway-1", "0.1.0", { state: "fetching", token: own });
  t.same(given(), ["gateway-1 0.2.0"]);
  await says("gitlab-1", "0.1.0");
  await says("gateway-1", "0.1.0", { state: "switching", token: own });
  t.same(given(), ["gateway-1 0.2.0"]);
});

t.test("one that waits says why; cancelled, nobody else begins", async (t) => {
  const { fettle, says, given, token } = await scene(t);
  await fettle("update");
  const own = token();
  await says("ollama-1", "0.1.0", { state: "waiting", token: own, code: "update.paused", reason: "paused: hands off" });
  t.same(given(), ["gateway-1 0.2.0"]);
  t.match(await fettle("update --status"), { out: /ollama-1 .* waiting +paused: hands off/ });
  t.match(await fettle("update --cancel"), { code: 0, out: /the update to 0\.2\.0 is cancelled/ });
  t.same(given(), []);
  t.match(await fettle("update --cancel"), { code: 1, err: /update\.none/ });
});

t.test("some nodes only, and a version of one's choice", async (t) => {
  const { fettle, given } = await scene(t, release({ version: "0.3.0" }), release());
  t.match(await fettle("update gitlab-1 --version 0.2.0"), { code: 0, out: /to 0\.2\.0: gitlab-1 first/ });
  t.same(given(), ["gitlab-1 0.2.0"]);
  t.match(await fettle("update --json"), { out: /"version":"0\.3\.0"/ });
  t.same(given(), ["ollama-1 0.3.0"]);
});

/** Releases that the coordinator has, the command, and what it says. */
const REFUSED: readonly [string, readonly Release[], string, RegExp][] = [
  ["a release that nobody signed", [release({}, [])], "update", /update\.unsigned/],
  [
    "a version that the coordinator does not have",
    [release()],
    "update --version 0.9.0",
    /no release 0\.9\.0 .*it has 0\.2\.0 for x64[\s\S]*update\.no-release/,
  ],
  ["no archive for the machine", [release({ arch: "arm64" })], "update", /for x64[\s\S]*update\.no-release/],
  ["a downgrade", [release({ version: "0.0.5" })], "update", /no way back[\s\S]*update\.downgrade/],
  [
    "a downgrade of one node",
    [release({ version: "0.0.5" })],
    "update gitlab-1",
    /gitlab-1 runs 0\.1\.0[\s\S]*update\.downgrade/,
  ],
  ["a node that is not there", [release()], "update nowhere-1", /api\.not-found/],
  ["no version", [release()], "update --version latest", /version as in 1\.2\.3/],
  ["two things at once", [release()], "update --status --cancel", /cli\.usage/],
];

for (const [name, releases, line, text] of REFUSED)
  t.test(`refused: ${name}`, async (t) => {
    const { fettle, given } = await scene(t, ...releases);
    t.match(await fettle(line), { code: 1, err: text });
    t.same(given(), []);
  });

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReleaseManifest } from "@fettle/shared/release/manifest.ts";
import Fastify, { type FastifyInstance } from "fastify";
import t, { type Test } from "tap";
import { sendError } from "../api/errors.ts";
import type { Context } from "../context.ts";
import { registerInstall } from "./install-routes.ts";

const ARCHIVE = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
const NAME = "fettle-agent-0.3.0-linux-x64.tar.gz";

async function appOf(test: Test, has: boolean): Promise<FastifyInstance> {
  const folder = await mkdtemp(join(tmpdir(), "fettle-install-"));
  test.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, NAME);
  await writeFile(path, ARCHIVE);
  const manifest: Partial<ReleaseManifest> = {
    product: "fettle-agent",
    version: "0.3.0",
    arch: "x64",
    size: ARCHIVE.length,
    sha256: "d".repeat(64),
  };
  const context = {
    config: { share: new URL("../../../", import.meta.url).pathname },
    pki: { serverPin: `sha256//${"A".repeat(43)}=`, coordinatorName: "coordinator.c0ffee.fettle.internal" },
    hub: { port: 7444 },
    releaseFolders: ["/var/lib/fettle/releases", "/opt/fettle/agents"],
    store: { updates: { takenBackVersions: async () => new Set() } },
    releases: async () => (has ? [{ manifest, path }] : []),
  } as unknown as Context;
  const app = Fastify();
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply));
  registerInstall(app as unknown as FastifyInstance, context);
  test.teardown(() => app.close());
  return app as unknown as FastifyInstance;
}

t.test("the script is for the name under which it was asked for", async (t) => {
  const app = await appOf(t, true);
  for (const [host, expected] of [
    ["172.31.11.1:7443", /^ {2}host='172\.31\.11\.1'\n {2}api_port='7443'\n {2}agent_port='7444'$/m],
    ["hq.example.com:8443", /^ {2}host='hq\.example\.com'\n {2}api_port='8443'$/m],
    ["[fd00::1]:7443", /^ {2}host='\[fd00::1\]'$/m],
  ] as const) {
    const answer = await app.inject({ url: "/install.sh", headers: { host } });
    t.equal(answer.statusCode, 200);
    t.equal(answer.headers["cache-control"], "no-store");
    t.match(answer.body, expected);
    t.match(answer.body, `x64_version='0.3.0' x64_sha256='${"d".repeat(64)}' x64_size='1000'`);
    t.match(answer.body, "arm64_version='' arm64_sha256='' arm64_size=''");
  }
});

t.test("what cannot be a host, and a coordinator without a release, are refused with a code", async (t) => {
  const app = await appOf(t, true);
  const hostile = await app.inject({ url: "/install.sh", headers: { host: "a';reboot;'" } });
  t.match([hostile.statusCode, hostile.json().error.code], [400, "install.bad-host"]);
  const empty = await appOf(t, false);
  const answer = await empty.inject({ url: "/install.sh", headers: { host: "a:1" } });
  t.match([answer.statusCode, answer.json().error.code], [503, "install.no-release"]);
  t.match(answer.json().error.message, "/var/lib/fettle/releases, /opt/fettle/agents");
});

t.test("an archive comes whole or from where a download broke; nothing else is served", async (t) => {
  const app = await appOf(t, true);
  const url = `/install/${NAME}`;
  const whole = await app.inject({ url });
  t.equal(whole.statusCode, 200);
  t.equal(whole.headers["content-length"], "1000");
  t.equal(whole.headers["accept-ranges"], "bytes");
  t.ok(whole.rawPayload.equals(ARCHIVE));
  const rest = await app.inject({ url, headers: { range: "bytes=600-" } });
  t.equal(rest.statusCode, 206);
  t.equal(rest.headers["content-range"], "bytes 600-999/1000");
  t.equal(rest.headers["content-length"], "400");
  t.ok(rest.rawPayload.equals(ARCHIVE.subarray(600)));
  const beyond = await app.inject({ url, headers: { range: "bytes=1000-" } });
  t.match([beyond.statusCode, beyond.headers["content-range"]], [416, "bytes */1000"]);
  for (const name of ["fettle-agent-0.2.0-linux-x64.tar.gz", "..%2f..%2fetc%2fpasswd", `${NAME}.manifest`, "%00"]) {
    const answer = await app.inject({ url: `/install/${name}` });
    t.match([answer.statusCode, answer.json().error.code], [404, "install.unknown-archive"], name);
  }
});

import type { GitlabAccess } from "@fettle/agent/clients/gitlab/access.ts";
import { gitlabClient } from "@fettle/agent/clients/gitlab/gitlab.ts";
import { newNotes } from "@fettle/agent/resources/gitlab/notes.ts";
import { outbound } from "@fettle/agent/resources/gitlab/outbound.ts";
import type { ResourceContext } from "@fettle/agent/resources/resource.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { HttpRequest } from "@fettle/agent/system/http.ts";
import { Secret } from "@fettle/shared/lib/secret.ts";
import t from "tap";
import { GATEWAY, makeBench, TOKEN_FILE } from "./bench.ts";

const access: GitlabAccess = {
  url: "https://gitlab.example.com",
  ca: null,
  token: new Secret("glpat-canary-of-a-test"),
};
const signal = new AbortController().signal;

/** A GitLab that answers every request with this. */
function answering(status: number, body: unknown): { host: Host; asked: HttpRequest[] } {
  const asked: HttpRequest[] = [];
  const request = async (one: HttpRequest) => {
    asked.push(one);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return { status, headers: { "content-type": "application/json" }, text };
  };
  return { host: { http: { request } } as unknown as Host, asked };
}

t.test("what GitLab answers wrongly is a code, and never shows the token", async (t) => {
  const types = { metadata: { version: "18.8.2-ee" }, aiSelfHostedModels: { nodes: "many" } };
  const rotate = (status: number, body: unknown) =>
    gitlabClient(answering(status, body).host).rotateToken(access, "2027-01-01", signal);
  const state = (status: number, body: unknown) => gitlabClient(answering(status, body).host).state(access, signal);
  const cases: readonly [asked: Promise<unknown>, code: string][] = [
    [rotate(400, { message: "400 Bad request - Token already revoked" }), "gitlab.token.rotate-failed"],
    [rotate(201, { id: 1, token: "" }), "gitlab.token.rotate-failed"],
    [rotate(503, { message: "GitLab Maintenance: system is in maintenance mode" }), "gitlab.writable.readonly"],
    [state(200, { data: types }), "gitlab.api.unexpected"],
    [state(200, "no json"), "gitlab.api.page"],
    [state(200, []), "gitlab.api.refused"],
    [state(200, { errors: [{ message: "Field 'x' doesn't exist" }] }), "gitlab.api.refused"],
    [state(500, {}), "gitlab.api.failing"],
    [state(401, { message: "401 Unauthorized" }), "gitlab.token.rejected"],
  ];
  for (const [asked, code] of cases) {
    const error: unknown = await asked.catch((caught: unknown) => caught);
    t.match(error, { code });
    t.notMatch(JSON.stringify([String(error), error]), "canary", code);
  }
});

t.test("the token travels in a header alone", async (t) => {
  const { host, asked } = answering(200, { data: {} });
  await gitlabClient(host).state(access, signal);
  t.equal(asked[0]?.headers?.["private-token"], "glpat-canary-of-a-test");
  t.notMatch(JSON.stringify(asked.map(({ headers: _, ...rest }) => rest)), "canary");
});

t.test("codes of what stands between this machine and GitLab's API", async (t) => {
  const closed = await makeBench(t, { params: { url: "https://127.0.0.1:1" } });
  await t.rejects(closed.look("gitlab.token"), { code: "gitlab.api.unreachable", args: { problem: /ECONNREFUSED/ } });
  const selfSigned = await makeBench(t, { gitlab: { certificate: { kind: "self-signed" } } });
  await t.rejects(selfSigned.look("gitlab.token"), { code: "gitlab.api.tls" });
  const bench = await makeBench(t);
  await bench.faults({ deny: { aiFeatureSettings: "Internal error" } });
  await t.rejects(bench.look("gitlab.licence"), { code: "gitlab.api.refused", args: { problem: "Internal error" } });
  await bench.faults({});
  bench.write(TOKEN_FILE, "glpat-somebody-elses");
  await t.rejects(bench.look("gitlab.licence"), { code: "gitlab.token.rejected" });
});

t.test("outbound: somebody writes the list at the same time", async (t) => {
  const lists = [["10.1.0.0/16"], ["10.1.0.0/16"], ["10.2.0.0/16"]];
  const settings = async () => ({ outbound: lists.shift() ?? [], allowsLocal: false, maintenance: false });
  const written: (readonly string[])[] = [];
  const replaceOutbound = async (_: unknown, list: readonly string[]) => void written.push(list);
  const { params } = await makeBench(t);
  const notes = { ...newNotes(), refusal: { problem: "refused", at: 0, seen: null } };
  const remember = () => undefined;
  const kind = outbound({
    params: { ...params, gatewayUrl: GATEWAY },
    pollMs: 1,
    remember,
    secretsFolder: "/s",
    notes,
  });
  const files = { readText: async () => "glpat-of-a-test-here", stat: async () => null };
  const ctx = {
    host: { files, clock: { mono: () => 0 } },
    clients: { gitlab: { settings, replaceOutbound } },
    pass: { once: (_: string, observe: () => unknown) => observe() },
  } as unknown as ResourceContext;
  const verdict = kind.diff(await kind.observe(ctx, signal));
  t.match(verdict, { kind: "drift", changes: [{ to: "10.0.0.20:5052" }] });
  const quiet = { progress: () => undefined, log: () => undefined };
  const args = { missing: "10.1.0.0/16, 10.0.0.20:5052" };
  await t.rejects(kind.apply?.(ctx, [], signal, quiet) ?? Promise.resolve(), {
    code: "gitlab.outbound.not-kept",
    args,
  });
  t.same(written, [["10.1.0.0/16", "10.0.0.20:5052"]]);
});

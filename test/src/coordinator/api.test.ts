import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newApiToken } from "@fettle/coordinator/api/api-token.ts";
import { registerRoutes } from "@fettle/coordinator/api/register.ts";
import { routes } from "@fettle/coordinator/api/routes.ts";
import { DAY_MS } from "@fettle/coordinator/pki/authority.ts";
import { API_ROLES, type ApiRole } from "@fettle/shared/api/route.ts";
import type { StatusItem } from "@fettle/shared/api/status.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import Fastify from "fastify";
import t from "tap";
import { type Bench, EXAMPLE, makeBench } from "./bench.ts";

async function makeToken({ context }: Bench, role: ApiRole, stack = "*"): Promise<string> {
  const { id, token, secretHash } = newApiToken();
  await context.store.apiTokens.add({ id, stack, name: role, role, secretHash, createdAt: 0, revokedAt: null });
  return `Bearer ${token.reveal()}`;
}

/** Calls the API as an admin and gives back status and body. */
async function caller(bench: Bench, role: ApiRole = "admin", stack = "*") {
  const authorization = await makeToken(bench, role, stack);
  return async (method: "GET" | "POST" | "DELETE", url: string, payload?: object) => {
    const given = payload === undefined ? {} : { payload };
    const response = await bench.app.inject({ method, url, headers: { authorization }, ...given });
    await bench.drain();
    return { status: response.statusCode, body: response.json() };
  };
}

async function applied(bench: Bench, text = EXAMPLE) {
  const call = await caller(bench);
  const { body } = await call("POST", "/v1/apply", { text, basedOn: 0 });
  for (const node of ["gitlab-1", "gateway-1", "ollama-1"]) await bench.connect(node);
  return { call, body };
}

const MODEL = "ollama.model[mistral:instruct]";
const blocked: Partial<ResourceReport> = {
  id: MODEL,
  state: "blocked",
  code: "stack.observing",
  reason: "somebody must do something",
  args: {},
};

t.test("every route holds its role, whoever asks", async (t) => {
  const bench = await makeBench();
  const folder = mkdtempSync(join(tmpdir(), "fettle-api-"));
  const socket = join(folder, "admin.sock");
  const [onPort, onSocket] = [Fastify({ forceCloseConnections: true }), Fastify({ forceCloseConnections: true })];
  registerRoutes(onPort, bench.context);
  registerRoutes(onSocket, bench.context);
  await onPort.listen({ host: "127.0.0.1", port: 0 });
  await onSocket.listen({ path: socket });
  t.teardown(async () => {
    await Promise.all([onPort.close(), onSocket.close()]);
    await bench.stop();
    rmSync(folder, { recursive: true });
  });
  await applied(bench);
  const port = Number(new URL(onPort.listeningOrigin).port);
  const callers: readonly (readonly [string, number, () => Promise<object>])[] = [
    ["no token", -1, async () => ({ host: "127.0.0.1", port })],
    ["a token of another make", -1, async () => ({ host: "127.0.0.1", port, headers: { authorization: "Bearer x" } })],
    ...API_ROLES.map((role, rank) => {
      const to = async () => ({ host: "127.0.0.1", port, headers: { authorization: await makeToken(bench, role) } });
      return [role, rank, to] as const;
    }),
    ["the Unix socket", API_ROLES.length, async () => ({ socketPath: socket })],
  ];
  for (const { contract } of routes) {
    const path = contract.path.replace(":node", "nobody").replace(":id", "00000000-0000-4000-8000-000000000000");
    for (const [who, rank, to] of callers) {
      const status = await statusOf({ ...(await to()), method: contract.method, path });
      const needed = API_ROLES.indexOf(contract.role);
      const name = `${contract.method} ${contract.path} by ${who}`;
      if (rank < 0) t.equal(status, 401, name);
      else if (rank < needed) t.equal(status, 403, name);
      else t.ok(![401, 403, 500].includes(status), `${name}: ${status}`);
    }
  }
});

/** The status alone; a stream of events would never end. */
function statusOf(options: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(options, (response: IncomingMessage) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** A file alone is nothing yet: the request that says what it is, is audited. */
const ASKS_ONLY = ["plan", "mirror-check", "mirror-upload", "mirror-dropped"];

t.test("every route that steers is audited", async (t) => {
  const reading = routes.filter(({ audit }) => audit === null).map(({ contract }) => contract);
  t.same(
    reading.filter(({ method, name }) => method !== "GET" && !ASKS_ONLY.includes(name)),
    [],
  );
});

t.test("the CA: who may rotate it, and for whom it does not wait", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  t.match(await call("GET", "/v1/authority"), { status: 200, body: { rootKeyHere: true, rotation: null } });
  const unknown = await call("POST", "/v1/authority/rotation", { without: ["nobody"] });
  t.match(unknown, { status: 404, body: { error: { message: /nobody/ } } });
  const ofOneStack = await caller(bench, "admin", "duo");
  t.match(await ofOneStack("POST", "/v1/authority/rotation", {}), { status: 403 }, "it is the CA of all stacks");
  t.match((await call("GET", "/v1/authority")).body, { rotation: null });
  t.match((await call("POST", "/v1/authority/rotation", { without: ["ollama-1"] })).body, {
    rotation: { phase: "distributing", without: ["ollama-1"] },
  });
  const { body } = await call("GET", "/v1/audit");
  const said = body.audit.map(({ what }: { what: string }) => what);
  t.ok(said.includes("ca rotate without ollama-1"), said.join());
});

t.test("the CA's end is said while there is time", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  const cases = [
    { root: 3000, issuer: 1825, codes: [] },
    { root: 3000, issuer: 336, codes: [], why: "it is renewed by itself from 365 days on" },
    { root: 3000, issuer: 334, codes: ["coordinator.issuer-ending"] },
    { root: 3000, issuer: -1, codes: ["coordinator.issuer-ending"] },
    { root: 364, issuer: 334, codes: ["coordinator.root-ending"], why: "a rotation makes a new issuing CA too" },
  ];
  for (const { root, issuer, codes, why } of cases) {
    const ends = { rootNotAfter: bench.clock.now() + root * DAY_MS, notAfter: bench.clock.now() + issuer * DAY_MS };
    Object.assign(bench.context.pki.authorities.active, ends);
    const people: StatusItem[] = (await call("GET", "/v1/status")).body.people;
    const own = people.filter(({ where }) => where === "coordinator");
    t.same(
      own.map(({ code }) => code),
      codes,
      why ?? `${root} and ${issuer} days`,
    );
    for (const { text } of own) t.match(text, /ends in (334|0|364) days/);
  }
});

t.test("apply", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const call = await caller(bench, "operator");
  t.match(await call("GET", "/v1/status"), { status: 404, body: { error: { code: "stack.absent" } } });
  const bad = await call("POST", "/v1/apply", { text: EXAMPLE.replace("warm", "wram"), basedOn: 0 });
  t.match(bad, { status: 422, body: { error: { code: "stack.invalid", details: { problems: [{ line: 39 }] } } } });
  t.match((await call("POST", "/v1/apply", { text: EXAMPLE, basedOn: 0 })).body, {
    stack: "duo",
    revision: 1,
    changed: true,
    neverSeen: ["gateway-1", "gitlab-1", "ollama-1"],
  });
  t.match((await call("POST", "/v1/apply", { text: EXAMPLE, basedOn: 1 })).body, { revision: 1, changed: false });
  const later = EXAMPLE.replace("warm: true", "warm: false");
  t.match(await call("POST", "/v1/apply", { text: later, basedOn: 0 }), {
    status: 409,
    body: { error: { code: "stack.moved", message: /revision 1/ } },
  });
  t.match((await call("POST", "/v1/apply", { text: later, basedOn: 1 })).body, { revision: 2, changed: true });
  t.match((await call("GET", "/v1/stack")).body, { revision: 2, text: later });
  const admin = await caller(bench);
  const { body } = await admin("GET", "/v1/audit");
  t.same(body.audit.map(({ who, what }: { who: string; what: string }) => `${who}: ${what}`).sort(), [
    "token:operator: apply revision 1",
    "token:operator: apply revision 2",
    "token:operator: apply, no change",
  ]);
});

t.test("an unchanged apply after GitLab's upgrade moves the gateway's image on", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  await bench.report("gitlab-1", [], { facts: { gitlabVersion: "18.8.1-ee" } });
  await bench.report("gitlab-1", [], { facts: { gitlabVersion: "18.9.0-ee" } });
  t.match((await call("GET", "/v1/nodes")).body.nodes[0], {
    node: "gateway-1",
    findings: [{ code: "stack.behind" }, { code: "stack.image-behind" }],
  });
  t.match((await call("POST", "/v1/apply", { text: EXAMPLE, basedOn: 1 })).body, { changed: false });
  await bench.clock.advance(11 * 60_000);
  t.match((await call("POST", "/v1/apply", { text: EXAMPLE, basedOn: 1 })).body, { changed: true, revision: 2 });
});

t.test("a token of one stack sees and steers no other", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  await applied(bench);
  const other = await caller(bench, "admin", "other");
  for (const url of ["/v1/status?stack=duo", "/v1/nodes/ollama-1", "/v1/nodes/ollama-1/resource?id=ollama.host"])
    t.equal((await other("GET", url)).status, 404, url);
  t.equal((await other("POST", "/v1/apply", { text: EXAMPLE, basedOn: 1 })).status, 404);
  t.equal((await other("DELETE", "/v1/nodes/ollama-1")).status, 404);
  t.match(await other("GET", "/v1/status"), { status: 404, body: { error: { code: "stack.absent" } } });
});

t.test("plan asks who is there, and changes nothing", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  bench.hub.live.delete("gitlab-1");
  await bench.report("ollama-1", [{ id: "ollama.host" }, { id: "ollama.model[old:latest]" }]);
  bench.hub.answer = (node) => {
    if (node === "gateway-1") throw new Error("no answer");
    const drift = { id: MODEL, state: "drifted", changes: [{ what: "model", from: null, to: "present" }] };
    const common = { hash: "a".repeat(64), since: 1, findings: [] };
    return {
      resources: [
        { ...common, ...drift, downloadBytes: 4e9 },
        { ...common, id: "ollama.host", state: "in-sync", changes: [] },
      ],
    };
  };
  const { body } = await call("POST", "/v1/plan", { text: EXAMPLE });
  const by = (name: string) => body.nodes.find(({ node }: { node: string }) => node === name);
  t.match(by("gitlab-1"), { outcome: "offline", changed: false });
  t.match(by("gateway-1"), { outcome: "failed", text: "no answer" });
  t.match(by("ollama-1"), {
    outcome: "answered",
    resources: [{ id: MODEL, downloadBytes: 4e9 }, {}],
    released: ["ollama.model[old:latest]"],
  });
  t.equal(body.word, "drifted");
  t.match((await call("GET", "/v1/stack")).body, { revision: 1 });
});

t.test("status: people first, then what changes, then the rest", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  await bench.report("ollama-1", [blocked, { id: "ollama.listening" }, { id: "ollama.service", state: "repairing" }]);
  await bench.report("gateway-1", [{ id: "gateway.ready" }], {
    ports: [{ peer: "ollama-1", host: "172.31.11.27", port: 11434, service: "ollama", result: "refused" }],
  });
  await bench.report("gitlab-1", [{ id: "gitlab.ready" }]);
  bench.hub.live.delete("gitlab-1");
  const { body } = await call("GET", "/v1/status");
  t.equal(body.word, "blocked");
  t.match(body.people, [
    { where: `ollama-1/${MODEL}`, state: "blocked", text: "somebody must do something" },
    { where: "gitlab-1", state: "disconnected" },
  ]);
  t.match(body.changing, [{ where: "ollama-1/ollama.service", state: "repairing" }]);
  t.match(body.rest, [{ where: "gitlab-1/gitlab.ready", state: "unknown", text: "was in-sync" }]);
  t.match(body.chain, [
    { role: "gitlab", node: "gitlab-1", state: "unknown" },
    { role: "gateway", node: "gateway-1", state: "ok" },
    { role: "ollama", node: "ollama-1", state: "broken", text: /refused/ },
  ]);
});

t.test("a node that has not taken its newest declaration is not in sync", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  const word = async () => (await call("GET", "/v1/nodes")).body.nodes[2].word;
  t.equal(await word(), "unknown", "nothing reported yet");
  await bench.report("ollama-1", [{ id: "ollama.host" }]);
  t.equal(await word(), "in-sync");
  await call("POST", "/v1/apply", { text: EXAMPLE.replace("warm: true", "warm: false"), basedOn: 1 });
  t.equal(await word(), "unknown", "behind");
  const { epoch, generation, hash } = bench.hub.last("ollama-1") ?? { epoch: 0, generation: 0, hash: "" };
  const desired = { epoch, generation, hash, state: "rejected" as const, code: "agent.too-old" };
  await bench.report("ollama-1", [{ id: "ollama.host" }], { desired });
  t.equal(await word(), "blocked", "refused");
});

t.test("repair", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  await bench.report("ollama-1", [{ ...blocked, state: "failed" }, { id: "ollama.host" }]);
  t.same((await call("POST", "/v1/repair", {})).body.resources, [`ollama-1/${MODEL}`], "what is not in sync");
  const first = bench.hub.last("ollama-1")?.retry[MODEL];
  t.ok(first, "a token travels in the desired state");
  await call("POST", "/v1/repair", { node: "ollama-1", resource: MODEL });
  t.not(bench.hub.last("ollama-1")?.retry[MODEL], first, "a new one each time");
  t.equal((await call("POST", "/v1/repair", { node: "ollama-1", resource: "ollama.none" })).status, 404);
  await call("POST", "/v1/pause", { scope: "ollama-1/ollama", reason: "work" });
  t.match(await call("POST", "/v1/repair", { node: "ollama-1" }), {
    status: 409,
    body: { error: { code: "stack.paused" } },
  });
  t.equal((await call("POST", "/v1/resume", { scope: "ollama-1/ollama" })).status, 200);
  await call("POST", "/v1/apply", { text: EXAMPLE.replace("mode: enforce", "mode: observe"), basedOn: 1 });
  t.match(await call("POST", "/v1/repair", {}), { status: 409, body: { error: { code: "stack.observing" } } });
});

t.test("pause and resume", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  for (const scope of ["nobody", "ollama-1/gateway", "ollama-1/gateway.ready"])
    t.equal((await call("POST", "/v1/pause", { scope, reason: "x" })).status, 404, scope);
  for (const scope of ["stack", "ollama-1", "ollama-1/ollama", `ollama-1/${MODEL}`])
    t.equal((await call("POST", "/v1/pause", { scope, reason: "x", forMs: 60_000 })).status, 200, scope);
  t.equal(bench.hub.last("ollama-1")?.policy.pauses.length, 4);
  t.equal((await call("GET", "/v1/status")).body.pauses.length, 4);
  t.equal((await call("POST", "/v1/resume", { scope: "gateway-1" })).status, 404, "nothing to end");
});

t.test("approve is bound to what is blocked as it is declared now", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  await bench.report("ollama-1", [blocked, { id: "ollama.host" }]);
  const refused = await call("POST", "/v1/approve", { node: "ollama-1", resource: "ollama.host" });
  t.match(refused, { status: 409, body: { error: { code: "stack.nothing-to-approve" } } });
  t.equal((await call("POST", "/v1/approve", { node: "ollama-1", resource: MODEL })).status, 200);
  t.match(bench.hub.last("ollama-1")?.approvals, [{ resource: MODEL, hash: "a".repeat(64) }]);
});

t.test("tokens and nodes", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  t.match((await call("POST", "/v1/enrolment-tokens", { node: "ollama-1" })).body, {
    token: "token-of-ollama-1",
    roles: ["ollama"],
  });
  t.equal((await call("POST", "/v1/enrolment-tokens", { node: "new-1" })).status, 400, "no role is declared for it");
  t.equal((await call("POST", "/v1/enrolment-tokens", { node: "new-1", roles: ["vllm"] })).status, 404);
  const made = (await call("POST", "/v1/api-tokens", { name: "grafana", role: "viewer" })).body;
  const status = () => bench.app.inject({ url: "/v1/status", headers: { authorization: `Bearer ${made.token}` } });
  t.equal((await status()).statusCode, 200);
  t.notMatch(JSON.stringify((await call("GET", "/v1/api-tokens")).body), made.token.split(".")[2]);
  await call("DELETE", `/v1/api-tokens/${made.id}`);
  t.equal((await status()).statusCode, 401, "revoked");
  t.match((await call("DELETE", "/v1/nodes/ollama-1")).body, { node: "ollama-1", declared: true });
  t.same(bench.hub.cuts, ["ollama-1 link.removed"]);
  t.match((await call("GET", "/v1/nodes")).body.nodes[2], { node: "ollama-1", connection: "never-seen" });
});

t.test("events: from a cursor on, in order, once", async (t) => {
  const bench = await makeBench();
  t.teardown(bench.stop);
  const { call } = await applied(bench);
  const [first] = (await call("GET", "/v1/events")).body.events;
  t.match(first, { kind: "stack.applied" });
  for (const reason of ["a", "b", "c"]) await call("POST", "/v1/pause", { scope: "stack", reason });
  const { events } = (await call("GET", `/v1/events?after=${first.id}`)).body;
  t.same(
    events.map(({ text }: { text: string }) => text.at(-1)),
    ["a", "b", "c"],
  );
  t.equal((await call("GET", "/v1/events?limit=2")).body.events.length, 2);
});

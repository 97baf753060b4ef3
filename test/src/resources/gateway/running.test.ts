import { request } from "node:http";
import { GATEWAY_CONTAINER } from "@fettle/shared/roles/gateway.ts";
import t, { type Test } from "tap";
import { control, gitlab } from "../../stand-ins/gitlab/kit.ts";
import { type Bench, type BenchOptions, ID, makeBench } from "./bench.ts";

t.setTimeout(180_000);

const CA = "/usr/local/share/ca-certificates/gitlab.crt";
/** Past the time that a gateway may take to start. */
const STARTED_MS = 130_000;

async function begin(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const bench = await makeBench(t, options);
  await bench.repair(ID.keys);
  await bench.repair(ID.image);
  await bench.repair(ID.container);
  return bench;
}

/** A gateway whose Agent Platform starts without GitLab. */
const ALONE = { params: { auth: "bypass", platform: true } } as const;

const started = async ({ docker }: Bench) => (await docker.getContainer(GATEWAY_CONTAINER).inspect()).State.StartedAt;
const idOf = async ({ docker }: Bench) => (await docker.getContainer(GATEWAY_CONTAINER).inspect()).Id;

async function until(bench: Bench, id: string, kind: string): Promise<void> {
  for (const end = performance.now() + 15_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const verdict = await bench.look(id);
    if (verdict.kind === kind) return;
    if (performance.now() > end) throw new Error(`${id} is not ${kind}: ${JSON.stringify(verdict)}`);
  }
}

t.test("ready: both ports answer, else a restart, else another container", async (t) => {
  const bench = await begin(t, ALONE);
  bench.clock.speed = 20;
  await until(bench, ID.ready, "in-sync");
  const cases = [
    { faults: { httpDead: true }, changes: [{ what: "port 5052", from: /ECONNREFUSED/, to: "answers" }] },
    { faults: { workflowDead: true }, changes: [{ what: "port 50052", from: /ECONNREFUSED/, to: "answers" }] },
    { faults: { healthzStatus: 503 }, changes: [{ what: "port 5052", from: "healthz answers 503" }] },
  ];
  for (const { faults, changes } of cases) {
    const name = JSON.stringify(faults);
    bench.clock.ahead = 0;
    const [id, before] = [await idOf(bench), await started(bench)];
    await bench.gatewayFaults(faults);
    t.match(await bench.look(ID.ready), { kind: "unknown", code: "agent.in-transit" }, `${name}: it may be starting`);
    bench.clock.ahead = STARTED_MS;
    t.match(await bench.look(ID.ready), {
      kind: "drift",
      changes,
      disturbs: "service",
      breaking: true,
      restartOnly: true,
    });
    await bench.gatewayFaults({});
    await bench.apply(ID.ready);
    await until(bench, ID.ready, "in-sync");
    t.equal(await idOf(bench), id, name);
    t.not(await started(bench), before, name);
    t.match(await bench.look(ID.container), { kind: "in-sync" });
  }

  await t.test("what is declared and not yet published waits for the container", async (t) => {
    bench.declare({ address: "127.0.0.2" });
    t.match(await bench.look(ID.ready), { kind: "waiting", code: "gateway.ready.container-differs" });
    bench.declare({ address: bench.address });
  });

  await t.test("a restart that does not help is followed by another container", async (t) => {
    const id = await idOf(bench);
    await bench.gatewayFaults({ httpDead: true });
    await bench.apply(ID.ready);
    t.equal(await idOf(bench), id);
    t.match(await bench.look(ID.ready), { kind: "drift", restartOnly: false });
    await bench.apply(ID.ready);
    t.match(await bench.look(ID.ready), { kind: "waiting", code: "gateway.ready.container-down" });
    await bench.gatewayFaults({});
    t.match(await bench.repair(ID.container), { kind: "in-sync" });
    await until(bench, ID.ready, "in-sync");
    t.not(await idOf(bench), id);
    t.equal(bench.kept(ID.ready).size, 0, "the next outage begins with a restart again");
  });
});

t.test("ready: a platform without GitLab's keys waits for GitLab, and is not restarted for nothing", async (t) => {
  const bench = await begin(t, { params: { platform: true } });
  await until(bench, ID.ready, "waiting");
  t.match(await bench.look(ID.ready), { code: "gateway.ready.platform-keyless", args: { problem: /prefetch keys/ } });
  await bench.docker.getContainer(GATEWAY_CONTAINER).stop();
  t.match(await bench.look(ID.ready), { kind: "waiting", code: "gateway.ready.container-down" });
});

t.test("auth: a token is asked for, unless the stack says otherwise", async (t) => {
  const workflow = { processEnv: { DUO_WORKFLOW_AUTH__ENABLED: "false" } };
  const bench = await begin(t, { params: { platform: true }, image: workflow });
  await until(bench, ID.auth, "in-sync");
  t.notMatch(await bench.look(ID.auth), { findings: [{}] });
  await bench.gatewayFaults({ httpDead: true });
  t.match(await bench.look(ID.auth), { kind: "unknown", code: "agent.in-transit" }, "it may be starting");
  bench.clock.ahead = STARTED_MS;
  t.match(await bench.look(ID.auth), { kind: "waiting", code: "gateway.auth.not-ready" });
  await bench.docker.getContainer(GATEWAY_CONTAINER).stop();
  t.match(await bench.look(ID.auth), { kind: "waiting", code: "gateway.auth.container-down" });
  const open = await begin(t, ALONE);
  await until(open, ID.auth, "in-sync");
  t.match(await open.look(ID.auth), { findings: [{ code: "gateway.auth.bypassed" }] });
});

t.test("auth: a gateway that lets everybody in is made anew once, then it is for a person", async (t) => {
  const bench = await begin(t, { image: { processEnv: { AIGW_AUTH__BYPASS_EXTERNAL: "true" } } });
  const id = await idOf(bench);
  await until(bench, ID.auth, "drift");
  t.match(await bench.look(ID.auth), {
    disturbs: "service",
    breaking: true,
    changes: [{ from: "GET / answers 404", to: "401" }],
  });
  await bench.apply(ID.auth);
  t.match(await bench.repair(ID.container), { kind: "in-sync" });
  t.not(await idOf(bench), id);
  await until(bench, ID.auth, "blocked");
  t.match(await bench.look(ID.auth), { code: "gateway.auth.open", args: { problem: "GET / answers 404" } });
});

/** A user's request: the gateway reads GitLab's keys for its token. */
function ask({ address }: Bench): Promise<number> {
  const headers = { authorization: "Bearer not.a.token", "x-gitlab-authentication-type": "oidc" };
  return new Promise((resolve, reject) => {
    request({ host: address, port: 5052, path: "/v1/prompts/x", method: "POST", headers, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end("{}");
  });
}

t.test("gitlab-reachable: from the inside, over TLS that verifies", async (t) => {
  const bench = await makeBench(t);
  const instance = await gitlab(t, { address: "127.0.0.1", names: ["127.0.0.1"] });
  bench.write(CA, instance.ca);
  bench.declare({ gitlabUrl: instance.url, caBundle: CA });
  await bench.converge();
  t.match(await bench.look(ID.reachable), { kind: "in-sync" });
  const other = await gitlab(t, { address: "127.0.0.1", names: ["127.0.0.1"] });
  const set = (what: string, value: object) => control(instance, "PUT", what, value);
  const inside = [
    {
      name: "GitLab's own error page",
      make: () => set("/faults", { page: "502" }),
      kind: "waiting",
      code: "gitlab-down",
    },
    { name: "no keys", make: () => set("/faults", { jwks: "empty" }), kind: "blocked", code: "wrong-answer" },
    {
      name: "an expired certificate",
      make: () => set("/state", { certificate: { days: -1 } }),
      kind: "blocked",
      code: "clock",
    },
    { name: "another authority", make: () => bench.write(CA, other.ca), kind: "blocked", code: "chain" },
  ];
  for (const { name, make, kind, code } of inside) {
    await make();
    t.match(await bench.look(ID.reachable), { kind, code: `gateway.gitlab-reachable.${code}` }, name);
    await set("/faults", {});
    await set("/state", { certificate: { days: 90 } });
  }
  await bench.docker.getContainer(GATEWAY_CONTAINER).stop();
  t.match(await bench.look(ID.reachable), { kind: "waiting", code: "gateway.gitlab-reachable.container-down" });
});

t.test("gitlab-reachable: every cause of an address that does not do", async (t) => {
  const bench = await begin(t);
  const instance = await gitlab(t, { address: "127.0.0.1", names: ["127.0.0.1"] });
  const cases = [
    { gitlabUrl: "https://nosuch.invalid", code: "name" },
    { gitlabUrl: "https://127.0.0.1:1", code: "route" },
    { gitlabUrl: instance.url, code: "chain" },
    { gitlabUrl: bench.registry.url.replace("http:", "https:"), code: "scheme" },
    { gitlabUrl: bench.registry.url, code: "wrong-answer" },
  ];
  for (const { gitlabUrl, code } of cases) {
    bench.declare({ gitlabUrl });
    t.match(await bench.look(ID.reachable), { kind: "blocked", code: `gateway.gitlab-reachable.${code}` }, gitlabUrl);
  }
  const curls = [
    {
      said: "curl: (56) CONNECT tunnel failed, response 407",
      exit: 56,
      verdict: { kind: "blocked", code: "gateway.gitlab-reachable.proxy" },
    },
    {
      said: "curl: (28) Operation timed out after 10001 milliseconds",
      exit: 28,
      verdict: { code: "gateway.gitlab-reachable.route" },
    },
    { said: "sh: curl: not found", exit: 127, verdict: { kind: "unknown", code: "gateway.gitlab-reachable.no-curl" } },
  ];
  for (const { said, exit, verdict } of curls) {
    const curl = ["/bin/sh", "-c", `echo '${said}' >&2; exit ${exit}`];
    const own = await begin(t, { image: { programs: { curl } } });
    t.match(await own.look(ID.reachable), verdict, said);
  }
});

t.test("gitlab-reachable: failures that the gateway has kept are ended by one restart", async (t) => {
  const bench = await makeBench(t);
  const instance = await gitlab(t, { address: "127.0.0.1", names: ["127.0.0.1"] });
  bench.write(CA, instance.ca);
  bench.declare({ gitlabUrl: instance.url, caBundle: CA });
  await bench.converge();
  const set = (faults: object) => control(instance, "PUT", "/faults", faults);
  await set({ page: "502" });
  await ask(bench);
  t.match(await bench.look(ID.reachable), { kind: "waiting" });
  await set({});
  const before = await started(bench);
  t.match(await bench.look(ID.reachable), {
    kind: "drift",
    disturbs: "service",
    breaking: true,
    restartOnly: true,
    changes: [{ from: /^failed at \d{4}-/, to: "read anew" }],
  });
  t.match(await bench.repair(ID.reachable), { kind: "in-sync" });
  t.not(await started(bench), before);
  await until(bench, ID.ready, "in-sync");
  t.equal(await ask(bench), 401, "the token is bad, and that is all");
  t.match(await bench.look(ID.reachable), { kind: "in-sync" }, "anybody can send a bad token");

  await t.test("one that fails again, though GitLab is reachable, is for a person", async (t) => {
    await bench.docker.getContainer(GATEWAY_CONTAINER).restart();
    await bench.gatewayFaults({ oidcTimeoutMs: 1 });
    await set({ slowMs: 300 });
    await until(bench, ID.ready, "in-sync");
    await ask(bench);
    const again = await started(bench);
    t.match(await bench.repair(ID.reachable), { kind: "blocked", code: "gateway.gitlab-reachable.still-failing" });
    t.equal(await started(bench), again);
    bench.clock.ahead = 3_700_000;
    t.match(await bench.look(ID.reachable), { kind: "drift" }, "in an hour it is tried again");
    bench.clock.ahead = 0;
    await set({ page: "502" });
    bench.clock.ahead = 1_000;
    await bench.look(ID.reachable);
    await set({});
    t.match(await bench.look(ID.reachable), { kind: "drift" }, "and when GitLab was away in between");
  });
});

t.test("a platform that could not read the keys at its start comes up when GitLab does", async (t) => {
  const bench = await makeBench(t, { params: { platform: true } });
  const instance = await gitlab(t, { address: "127.0.0.1", names: ["127.0.0.1"] });
  bench.write(CA, instance.ca);
  bench.declare({ gitlabUrl: instance.url, caBundle: CA });
  await control(instance, "PUT", "/faults", { page: "502" });
  await bench.repair(ID.keys);
  await bench.repair(ID.image);
  await bench.repair(ID.container);
  await until(bench, ID.ready, "waiting");
  t.match(await bench.look(ID.reachable), { kind: "waiting" });
  await control(instance, "PUT", "/faults", {});
  t.match(await bench.repair(ID.reachable), { kind: "in-sync" });
  await until(bench, ID.ready, "in-sync");
});

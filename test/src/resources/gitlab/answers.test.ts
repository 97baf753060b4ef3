import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { hopOf } from "@fettle/agent/resources/gitlab/answers-hop.ts";
import { must } from "@fettle/shared/lib/must.ts";
import t, { type Test } from "tap";
import { type Gateway, startGateway } from "../../stand-ins/gateway/gateway.ts";
import { control } from "../../stand-ins/gitlab/kit.ts";
import { type Bench, MISTRAL, makeBench } from "./bench.ts";

const ID = "gitlab.answers[mistral]";

interface ModelServer {
  readonly server: Server;
  readonly endpoint: string;
  status: number;
  asked: number;
}

async function modelServer(t: Test): Promise<ModelServer> {
  const server = createServer((request, response) => {
    request.resume();
    found.asked += 1;
    response.statusCode = found.status;
    response.end(JSON.stringify({ choices: [{ message: { content: "hello" } }], usage: {} }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const found = { server, endpoint, status: 200, asked: 0 };
  return found;
}

async function gatewayOf(t: Test, bench: Bench): Promise<Gateway & { url: string }> {
  const { gitlab } = bench;
  const gateway = await startGateway({
    now: () => Date.now() + bench.machine.ahead,
    env: {
      AIGW_FASTAPI__API_HOST: "127.0.0.1",
      AIGW_FASTAPI__API_PORT: "0",
      AIGW_CUSTOM_MODELS__ENABLED: "true",
      AIGW_GITLAB_URL: gitlab.url,
      REQUESTS_CA_BUNDLE: join(gitlab.home, "ca.crt"),
    },
    write: () => undefined,
  });
  t.teardown(() => gateway.close());
  return { ...gateway, url: `http://127.0.0.1:${must(gateway.api, "the gateway's address").port}` };
}

async function chain(t: Test, version = "18.8") {
  const bench = await makeBench(t, { gitlab: { outboundFilter: false, version } });
  const server = await modelServer(t);
  const gateway = await gatewayOf(t, bench);
  bench.declare({ gatewayUrl: gateway.url, models: [{ ...MISTRAL, endpoint: server.endpoint }] });
  return { bench, server, gateway };
}

for (const version of ["17.9", "18.8", "19.5"])
  t.test(
    `GitLab ${version}: asked when what it needs is there, and again on a change and every 15 minutes`,
    async (t) => {
      const { bench, server } = await chain(t, version);
      bench.gate = { open: false, stuck: false };
      t.match(await bench.look(ID), {
        kind: "waiting",
        code: "agent.gated",
        args: { fact: "gateway-1/gateway.ready" },
      });
      bench.gate = { open: false, stuck: true };
      t.match(await bench.look(ID), { kind: "blocked", code: "agent.gate-stuck" });
      bench.gate = null;
      t.match(await bench.look(ID), { kind: "waiting", code: "gitlab.answers.not-checked" }, "a plan asks nobody");
      bench.gate = { open: true, stuck: false };
      t.match(await bench.look(ID), { kind: "waiting", code: "agent.after", args: { before: "gitlab.duo-settings" } });
      await bench.repair("gitlab.duo-settings");
      t.match(await bench.look(ID), {
        kind: "waiting",
        code: "agent.after",
        args: { before: "gitlab.model[mistral]" },
      });
      t.equal(server.asked, 0);
      await bench.repair("gitlab.model[mistral]");
      t.match(await bench.look(ID), { kind: "in-sync" });
      t.equal(server.asked, 1);
      t.match(await bench.look(ID), { kind: "in-sync" });
      t.equal(server.asked, 1, "not at every look");
      bench.machine.ahead += 15 * 60_000;
      t.match(await bench.look(ID), { kind: "in-sync" });
      t.equal(server.asked, 2);
      await bench.state({ duoSettings: { aiGatewayTimeoutSeconds: 90 } });
      bench.declare({ ...bench.params, ...(version === "17.9" ? {} : { timeoutSeconds: 61 }) });
      await bench.repair("gitlab.duo-settings");
      t.match(await bench.look(ID), { kind: "in-sync" });
      t.equal(server.asked, version === "17.9" ? 2 : 3, "another declaration");
      const verdicts = await bench.converge();
      t.same(
        [...verdicts].filter(([, { kind }]) => kind !== "in-sync"),
        [],
      );
    },
  );

t.test("a change that Fettle makes is followed by a check", async (t) => {
  const { bench, server } = await chain(t);
  await bench.converge();
  t.equal(server.asked, 1);
  await bench.state({ duoSettings: { aiGatewayUrl: "http://127.0.0.1:1" } });
  bench.machine.ahead += 1_000;
  await bench.repair("gitlab.duo-settings");
  bench.machine.ahead += 1_000;
  t.match(await bench.look(ID), { kind: "in-sync" });
  t.equal(server.asked, 2);
});

t.test("asked for, by a person or after a swap of the gateway, it is checked at once, and once", async (t) => {
  const { bench, server } = await chain(t);
  await bench.converge();
  t.equal(server.asked, 1);
  (bench.kept(ID) as Map<string, string>).set("retry", "after the swap");
  t.match(await bench.look(ID), { kind: "in-sync" });
  t.equal(server.asked, 2);
  t.match(await bench.look(ID), { kind: "in-sync" });
  t.equal(server.asked, 2);
});

t.test("the hop that is broken is named, and looked at again sooner", async (t) => {
  const { bench, server, gateway } = await chain(t);
  await bench.converge();
  const again = async () => {
    bench.machine.ahead += 16 * 60_000;
    return bench.look(ID);
  };
  server.status = 404;
  const { endpoint } = server;
  const identifier = MISTRAL.identifier;
  t.match(await again(), { kind: "blocked", code: "gitlab.answers.model-absent", args: { endpoint, identifier } });
  const asked = server.asked;
  t.match(await bench.look(ID), { kind: "blocked", code: "gitlab.answers.model-absent" });
  t.equal(server.asked, asked, "not at once");
  bench.machine.ahead += 5_000;
  server.status = 200;
  t.match(await bench.look(ID), { kind: "in-sync" }, "but after some seconds");
  server.status = 500;
  t.match(await again(), { code: "gitlab.answers.model-refuses", args: { status: "500" } });
  gateway.faults.replace({ modelTimeoutMs: 1, inferenceFails: false });
  server.server.removeAllListeners("request");
  t.match(await again(), { code: "gitlab.answers.timeout" });
  gateway.faults.replace({});
  server.server.close();
  server.server.closeAllConnections();
  t.match(await again(), { code: "gitlab.answers.model-unreachable", args: { endpoint } });
  await control(bench.gitlab, "POST", "/signing-key");
  t.match(await again(), { code: "gitlab.answers.gateway-refuses", args: { status: "401" } });
  await gateway.close();
  t.match(await again(), { code: "gitlab.answers.gateway-unreachable", args: { problem: /Connection refused/ } });
  t.equal((await bench.requests()).writes, 3, "seat, model and settings at the beginning, nothing since");
});

t.test("GitLab's words in the versions and cases that a stand-in does not meet", async (t) => {
  const chain = { model: MISTRAL, gatewayUrl: "http://10.0.0.20:5052", version: "18.8.2-ee", seconds: 60 };
  const cases: readonly [message: string, code: string][] = [
    ["Failed to open TCP connection to cloud.gitlab.com:443 (getaddrinfo: Name or service not known)", "no-gateway"],
    ["Failed to open TCP connection to 10.0.0.20:5052 (execution expired)", "gateway-unreachable"],
    ["end of file reached", "gateway-unreachable"],
    ["SSL_connect returned=1 errno=0 state=error: certificate verify failed (self-signed certificate)", "gateway-tls"],
    ["Net::ReadTimeout with #<TCPSocket:(closed)>", "timeout"],
    ["The self-hosted model server returned code 408: Request Timeout", "timeout"],
    ["The self-hosted model server returned code 401: Unauthorized", "model-refuses"],
    ["AI Gateway returned code 401: Forbidden by auth provider", "gateway-refuses"],
    ["AI Gateway returned code 403: Unauthorized to access", "gateway-refuses"],
    ["AI Gateway returned code 422: Validation error", "gateway-mismatch"],
    ["AI Gateway returned code 503: Inference failed", "model-unreachable"],
    ["AI Gateway returned code 500: Internal server error", "failed"],
    ["", "failed"],
  ];
  for (const [message, code] of cases) {
    const hop = hopOf(`Self-hosted model test request failed: ${message}`, chain);
    t.equal(hop.code, `gitlab.answers.${code}`, message);
  }
});

t.test("a GitLab that never answers is not waited for beyond the look's own end", async (t) => {
  const { bench } = await chain(t);
  await bench.converge();
  bench.machine.ahead += 16 * 60_000;
  await bench.faults({ hang: true });
  for (const id of ["gitlab.ready", "gitlab.writable", "gitlab.token", "gitlab.duo-settings", ID])
    await t.rejects(bench.look(id, 100), { name: "TimeoutError" }, id);
  await bench.faults({});
  t.match(await bench.look(ID), { kind: "in-sync" }, "and nothing is held up afterwards");
});

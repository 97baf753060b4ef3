import { spawn } from "node:child_process";
import { once } from "node:events";
import { gatewayPlaybook } from "@fettle/agent/playbooks/gateway.ts";
import { GATEWAY_CONTAINER, type GatewayParams } from "@fettle/shared/roles/gateway.ts";
import t from "tap";
import { type Agent, startAgent } from "../agent.ts";
import { type Bench, makeBench } from "./bench.ts";

t.setTimeout(180_000);

/** Without an Engine's unit and without a GitLab: those kinds have their own cases. */
const LEFT_OUT = ["gateway.host", "gateway.docker", "gateway.gitlab-reachable"];

/** Somebody elsewhere who asks again and again over one connection. */
const USER = `
const { Agent, get } = require("node:http");
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const url = "http://" + process.argv[1] + ":5052/monitoring/healthz";
const ask = () => get(url, { agent }, (answer) => answer.resume().on("end", () => ask())).on("error", () => process.exit());
ask();
setTimeout(() => console.log("at work"), 1500);
`;

function declare(agent: Agent, { params, secrets }: Bench, change: Partial<GatewayParams> = {}, gate = true): void {
  const all = gatewayPlaybook({ ...params, ...change }, (secret) => secrets.add(secret));
  const gates = [{ resource: "gateway.previous", fact: "gitlab.answers", open: gate, stuck: false }];
  agent.set(
    all.filter(({ id }) => !LEFT_OUT.includes(id)),
    { gates },
  );
}

t.test("the whole role in the loop: from nothing, stopped, changed while it is used, and left alone", async (t) => {
  const bench = await makeBench(t);
  const agent = startAgent(bench.host);
  t.teardown(() => agent.stop());
  declare(agent, bench);
  await agent.converged(30_000);
  const runs = agent.runs().map(({ resource, outcome }) => `${resource} ${outcome}`);
  t.same(runs.sort(), ["gateway.container repaired", "gateway.image repaired", "gateway.keys repaired"]);
  agent.loop.wake("sweep");
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.equal(agent.runs().length, runs.length, "nothing changes when nothing is wrong");

  const container = bench.docker.getContainer(GATEWAY_CONTAINER);
  const { Id } = await container.inspect();
  await container.stop();
  await agent.until("gateway.container", () => agent.runs("gateway.container").length === 2);
  await agent.converged(30_000);
  t.match(await container.inspect(), { Id, State: { Running: true } });

  const user = spawn(process.execPath, ["-e", USER, bench.address], { stdio: ["ignore", "pipe", "inherit"] });
  await once(user.stdout, "data");
  declare(agent, bench, { gitlabUrl: "https://127.0.0.1:2" }, false);
  const busy = await agent.until("gateway.container", "agent.busy");
  t.match(busy, { state: "waiting", args: { connections: 1 }, disturbs: "service" });
  t.match(await container.inspect(), { Id, State: { Running: true } }, "nobody is cut off");
  user.kill();
  await agent.until("gateway.container", () => agent.runs("gateway.container").length === 3, 20_000);
  await agent.until("gateway.previous", "agent.gated", 20_000);
  t.equal((await bench.docker.getContainer(`${GATEWAY_CONTAINER}-previous`).inspect()).Id, Id);
  declare(agent, bench, { gitlabUrl: "https://127.0.0.1:2" });
  await agent.converged(20_000);
  await t.rejects(bench.docker.getContainer(`${GATEWAY_CONTAINER}-previous`).inspect(), /no such container/i);
  for (const run of agent.runs()) t.notMatch(JSON.stringify(run), /PRIVATE KEY/);
});

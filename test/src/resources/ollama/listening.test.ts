import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import { startOllama } from "../../stand-ins/ollama/start-ollama.ts";
import { type Agent, startAgent } from "../agent.ts";
import { DROP_INS, Machine, PORT, vendorUnit } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;

const ID = "ollama.listening";
const UNIT = "ollama.service";

interface World {
  readonly machine: Machine;
  readonly agent: Agent;
  readonly resources: ReturnType<typeof server>;
}

const server = (params: OllamaParams) => [dropIn(params), service(params), listening(params)];

async function world(t: Test, port = PORT, host: (host: Host) => Host = (one) => one): Promise<World> {
  const machine = await Machine.start(t);
  await machine.installVendor("0.32.15", vendorUnit(machine.address));
  const agent = startAgent(host(machine.host));
  t.teardown(() => agent.stop());
  const resources = server(machine.params({ listen: { host: machine.address, port } }));
  return { machine, agent, resources };
}

t.test("a stranger on the port is named and left alone; when it goes, Ollama comes by itself", async (t) => {
  const { machine, agent, resources } = await world(t);
  const stranger = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => stranger.listen(PORT, machine.address, resolve));
  agent.set(resources);
  const { reason } = await agent.until(ID, "ollama.listening.port-held");
  t.match(reason, `${process.pid}`);
  t.equal((await agent.until("ollama.service", "ollama.service.crashing")).state, "blocked");
  t.ok(stranger.listening);
  await new Promise((resolve) => stranger.close(resolve));
  await agent.converged();
  t.equal(await machine.version(), "0.32.15");
});

t.test("another Ollama has the address: it is not taken for ours", async (t) => {
  const { machine, agent, resources } = await world(t);
  const OLLAMA_HOST = `${machine.address}:${PORT}`;
  const other = await startOllama({ home: join(machine.root, "root"), env: { OLLAMA_HOST } });
  t.teardown(() => other.close());
  agent.set(resources);
  const { state, reason } = await agent.until(ID, "ollama.listening.foreign");
  t.equal(state, "blocked");
  t.match(reason, `${process.pid}`);
});

t.test("Ollama on every address is critical, whatever else is said", async (t) => {
  const port = randomInt(20_000, 30_000);
  const { machine, agent, resources } = await world(t, port);
  machine.write(`${DROP_INS}/a.conf`, `[Service]\nEnvironment="OLLAMA_HOST=0.0.0.0:${port}"\n`);
  await machine.host.units.start(UNIT);
  await machine.answers();
  agent.set(resources, { policy: { mode: "observe", pauses: [], contention: null } });
  const { findings } = await agent.until(ID, ({ findings }) => findings.length > 0);
  t.match(findings, [{ code: "ollama.listening.exposed", args: { address: new RegExp(`:${port}$`) } }]);
  agent.set(resources);
  await agent.until(ID, ({ state, findings }) => state === "in-sync" && findings.length === 0);
});

t.test("an address that the machine does not have, and then has", async (t) => {
  const { machine, agent, resources } = await world(t);
  agent.set(server(machine.params({ listen: { host: "10.255.255.1", port: PORT } })));
  const { state, reason } = await agent.until(ID, "ollama.listening.address-absent");
  t.equal(state, "blocked");
  t.match(reason, `it has ${machine.address}`);
  agent.set(resources);
  await agent.converged();
});

t.test("a server that hangs is started again, once its time to start is over", async (t) => {
  let later = 0;
  const aged = (host: Host): Host => ({
    ...host,
    proc: { ...host.proc, ageMs: async (pid) => ((await host.proc.ageMs(pid)) ?? 0) + later },
  });
  const { machine, agent, resources } = await world(t, PORT, aged);
  agent.set(resources);
  await agent.converged();
  const { pid } = machine;
  later = 60_000;
  await machine.ollama({ fails: { "/api/version": 500 } });
  await agent.until(ID, () => agent.runs(ID).length > 0);
  later = 0;
  await machine.ollama({});
  await agent.converged();
  t.not(machine.pid, pid);
  const [run] = agent.runs(ID);
  t.match(run, { changes: [{ from: "not Ollama", to: "answers" }], outcome: "repaired" });
});

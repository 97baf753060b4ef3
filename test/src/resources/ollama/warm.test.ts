import { driver } from "@fettle/agent/resources/ollama/driver.ts";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import { warm } from "@fettle/agent/resources/ollama/warm.ts";
import type { OllamaModel } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import type { OllamaFaults } from "../../stand-ins/ollama/faults.ts";
import { type Agent, startAgent } from "../agent.ts";
import { Machine, PORT } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;

const NAME = "mistral:instruct";
const ID = `ollama.warm[${NAME}]`;
const DRIVER = "ollama.driver";
const SMI = "usr/bin/nvidia-smi";
const T4 = { name: "Tesla T4", totalMiB: 15_360, driver: "570.158.01", compute: 7.5 };

interface Loaded {
  readonly name: string;
  readonly size: number;
  readonly size_vram: number;
}

interface World {
  readonly machine: Machine;
  readonly agent: Agent;
  loaded(): Promise<Loaded[]>;
}

interface Options {
  readonly wanted?: Partial<OllamaModel>;
  readonly env?: Record<string, string>;
  readonly ollama?: Partial<OllamaFaults>;
  readonly version?: string;
  readonly before?: (machine: Machine) => void;
}

/** A machine with Ollama and a model on its disk, and an agent that wants it in memory. */
async function world(t: Test, { wanted = {}, env = {}, ollama, version, before }: Options = {}): Promise<World> {
  const machine = await Machine.start(t);
  await machine.installVendor(version);
  machine.installModel({ name: NAME, bytes: 300_000 });
  if (ollama) await machine.ollama(ollama);
  before?.(machine);
  const params = machine.params({ env, models: [{ name: NAME, warm: true, minGpuPercent: 0, ...wanted }] });
  const agent = startAgent(machine.host);
  t.teardown(() => agent.stop());
  const warmed = params.models.map((one) => warm(params, one));
  agent.set([driver(params), dropIn(params), service(params), listening(params), ...warmed]);
  const loaded = async () => {
    const answer = await fetch(`http://${machine.address}:${PORT}/api/ps`);
    return ((await answer.json()) as { models: Loaded[] }).models;
  };
  return { machine, agent, loaded };
}

/** What nvidia-smi prints, and with which status it ends. */
function smi(machine: Machine, text: string, status = 0): void {
  machine.write(SMI, `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${status}\n`, 0o755);
}

/** As somebody else would; 0 unloads. */
async function load(machine: Machine, keepAlive: number): Promise<void> {
  const body = JSON.stringify({ model: NAME, keep_alive: keepAlive });
  await fetch(`http://${machine.address}:${PORT}/api/generate`, { method: "POST", body });
}

function card({ name, totalMiB, driver, compute }: typeof T4): string {
  return `0, GPU-4d1f0e2a, ${name}, ${driver}, ${totalMiB}, 1, 0, 40, 27.10, ${compute}`;
}

t.test("a model is loaded for good, and again after the server was started anew", async (t) => {
  const { machine, agent, loaded } = await world(t);
  await agent.converged();
  t.match(await loaded(), [{ name: NAME, expires_at: /^2[1-9]|^[3-9]/ }], "centuries from now");
  t.same(agent.runs(DRIVER), []);
  const [first] = await loaded();
  for (let pass = 0; pass < 3; pass += 1) await agent.until(ID, "in-sync");
  t.equal(agent.runs(ID).length, 1);
  t.same((await loaded())[0], first, "looking changes nothing");
  await machine.host.units.restart("ollama.service");
  await machine.answers();
  await agent.until(ID, () => agent.runs(ID).length === 2);
  await agent.converged();
  t.match(await loaded(), [{ name: NAME }]);
});

interface Held extends Options {
  readonly name: string;
  readonly id: string;
  readonly state?: string;
  readonly code: string;
  readonly reason?: RegExp;
}

const gpu = { minGpuPercent: 80 };
const withCard = (machine: Machine) => smi(machine, card(T4));

const held: Held[] = [
  {
    name: "too little of it is on the GPU",
    id: ID,
    wanted: gpu,
    before: withCard,
    ollama: { gpu: T4, sizeVramShare: 0.5 },
    code: "ollama.warm.gpu-share",
    reason: /Only (49|50) % .* 80 %/,
  },
  {
    name: "its context is smaller than declared",
    id: ID,
    env: { OLLAMA_CONTEXT_LENGTH: "16384" },
    ollama: { contextLength: 4096 },
    code: "ollama.warm.context",
    reason: /4096 tokens, and 16384/,
  },
  {
    name: "it cannot be loaded",
    id: ID,
    ollama: { loadFails: "llama-server process has terminated: signal: killed" },
    state: "failed",
    code: "agent.failed-backoff",
  },
  { name: "no nvidia-smi", id: DRIVER, wanted: gpu, code: "ollama.driver.absent" },
  {
    name: "the driver is not loaded",
    id: DRIVER,
    wanted: gpu,
    before: (machine) =>
      smi(machine, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9),
    code: "ollama.driver.failed",
    reason: /couldn't communicate/,
  },
  {
    name: "the driver was replaced under a loaded one",
    id: DRIVER,
    wanted: gpu,
    before: (machine) => smi(machine, "Failed to initialize NVML: Driver/library version mismatch", 18),
    code: "ollama.driver.mismatch",
  },
  {
    name: "the driver sees no card",
    id: DRIVER,
    wanted: gpu,
    before: (machine) => smi(machine, "No devices were found", 6),
    code: "ollama.driver.no-device",
  },
  {
    name: "the driver is below the floor",
    id: DRIVER,
    wanted: gpu,
    before: (machine) => smi(machine, card({ ...T4, driver: "535.183.01" })),
    code: "ollama.driver.too-old",
    reason: /535\.183\.01; Ollama 0\.32\.15 needs 550/,
  },
  {
    name: "the driver is below the floor of an older card",
    id: DRIVER,
    wanted: gpu,
    before: (machine) => smi(machine, card({ ...T4, name: "Tesla P40", compute: 6.1, driver: "550.90.07" })),
    code: "ollama.driver.too-old",
    reason: /570 or newer for Tesla P40/,
  },
];

for (const { name, id, state = "blocked", code, reason, ...options } of held)
  t.test(`${state}: ${name}`, async (t) => {
    const { agent, loaded } = await world(t, options);
    const now = await agent.until(id, code);
    t.equal(now.state, state);
    if (reason) t.match(now.reason, reason);
    if (id === DRIVER) await agent.until(ID, "agent.after");
    if (code.startsWith("ollama.warm.")) t.equal((await loaded()).length, 1, "it is never unloaded for that");
    if (state === "failed")
      t.match(agent.runs(ID).at(-1), { code: "ollama.warm.load-failed", reason: /signal: killed/ });
  });

t.test("an older Ollama has no such floor", async (t) => {
  const before = (machine: Machine) => smi(machine, card({ ...T4, driver: "535.183.01" }));
  const { agent } = await world(t, {
    wanted: gpu,
    version: "0.24.0",
    before,
    ollama: { gpu: { ...T4, driver: "550.1" } },
  });
  await agent.converged();
});

t.test("the driver works again: the server that started before is started again, once", async (t) => {
  const { machine, agent, loaded } = await world(t, {
    wanted: gpu,
    ollama: { gpu: { ...T4, fails: "init" } },
    before: (machine) => smi(machine, "NVIDIA-SMI has failed", 9),
  });
  await agent.until(DRIVER, "ollama.driver.failed");
  await agent.until("ollama.listening", "in-sync");
  await load(machine, -1);
  t.match(await loaded(), [{ size_vram: 0 }], "on the CPU, since it found no card at its start");
  const { pid } = machine;
  await machine.ollama({ gpu: T4 });
  withCard(machine);
  const again = startAgent(machine.host, agent.store);
  await agent.stop();
  t.teardown(() => again.stop());
  again.set(agent.loop.standing.resources);
  await again.converged();
  t.not(machine.pid, pid);
  const [model] = await loaded();
  t.equal(model?.size_vram, model?.size);
  await machine.ollama({ gpu: T4, sizeVramShare: 0 });
  await load(machine, 0);
  await again.until(ID, "ollama.warm.gpu-share");
  const kept = machine.pid;
  for (let pass = 0; pass < 3; pass += 1) await again.until(DRIVER, "in-sync");
  t.equal(machine.pid, kept, "where a restart did not help it is not repeated");
});

import type { Host } from "@fettle/agent/system/host.ts";
import t from "tap";
import { startAgent } from "../agent.ts";
import type { Machine } from "./machine.ts";
import { card, DRIVER, gpu, ID, load, type Options, smi, T4, withCard, world } from "./memory-world.ts";

interface Held extends Options {
  readonly name: string;
  readonly code: string;
  readonly reason?: RegExp;
}

/** An nvidia-smi that is killed after its time. */
const hanging = (host: Host): Host => ({
  ...host,
  exec: {
    ...host.exec,
    run: async (argv, options) =>
      argv[0] === "nvidia-smi" ? { code: null, timedOut: true, stdout: "", stderr: "" } : host.exec.run(argv, options),
  },
});

const held: Held[] = [
  { name: "nvidia-smi does not answer", before: withCard, host: hanging, code: "ollama.driver.hung" },
  { name: "no nvidia-smi", code: "ollama.driver.absent" },
  {
    name: "the driver is not loaded",
    before: (machine) =>
      smi(machine, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9),
    code: "ollama.driver.failed",
    reason: /couldn't communicate/,
  },
  {
    name: "the driver was replaced under a loaded one",
    before: (machine) => smi(machine, "Failed to initialize NVML: Driver/library version mismatch", 18),
    code: "ollama.driver.mismatch",
  },
  {
    name: "the driver sees no card",
    before: (machine) => smi(machine, "No devices were found", 6),
    code: "ollama.driver.no-device",
  },
  {
    name: "the driver is below the floor",
    before: (machine) => smi(machine, card({ ...T4, driver: "535.183.01" })),
    code: "ollama.driver.too-old",
    reason: /535\.183\.01; Ollama 0\.32\.15 needs 550/,
  },
  {
    name: "the driver is below the floor of an older card",
    before: (machine) => smi(machine, card({ ...T4, name: "Tesla P40", compute: 6.1, driver: "550.90.07" })),
    code: "ollama.driver.too-old",
    reason: /570 or newer for Tesla P40/,
  },
];

for (const { name, code, reason, ...options } of held)
  t.test(`blocked: ${name}`, async (t) => {
    const { agent } = await world(t, { wanted: gpu, ...options });
    const now = await agent.until(DRIVER, code);
    t.equal(now.state, "blocked");
    if (reason) t.match(now.reason, reason);
    await agent.until(ID, "agent.after");
    t.same(agent.runs(DRIVER), []);
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

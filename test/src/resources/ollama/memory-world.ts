import { driver } from "@fettle/agent/resources/ollama/driver.ts";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import { warm } from "@fettle/agent/resources/ollama/warm.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { OllamaModel } from "@fettle/shared/roles/ollama.ts";
import type t from "tap";
import type { OllamaFaults } from "../../stand-ins/ollama/faults.ts";
import { type Agent, startAgent } from "../agent.ts";
import { ask } from "./ask.ts";
import { Machine, PORT } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;

export const NAME = "mistral:instruct";
export const ID = `ollama.warm[${NAME}]`;
export const DRIVER = "ollama.driver";
const SMI = "usr/bin/nvidia-smi";
export const T4 = { name: "Tesla T4", totalMiB: 15_360, driver: "570.158.01", compute: 7.5 };

interface Loaded {
  readonly name: string;
  readonly size: number;
  readonly size_vram: number;
}

export interface World {
  readonly machine: Machine;
  readonly agent: Agent;
  loaded(): Promise<Loaded[]>;
}

export interface Options {
  readonly wanted?: Partial<OllamaModel>;
  readonly env?: Record<string, string>;
  readonly ollama?: Partial<OllamaFaults>;
  readonly version?: string;
  readonly before?: (machine: Machine) => void;
  readonly host?: (host: Host) => Host;
}

/** A machine with Ollama and a model on its disk, and an agent that wants it in memory. */
export async function world(
  t: Test,
  { wanted = {}, env = {}, ollama, version, before, host = (one) => one }: Options = {},
): Promise<World> {
  const machine = await Machine.start(t);
  await machine.installVendor(version);
  machine.installModel({ name: NAME, bytes: 300_000 });
  if (ollama) await machine.ollama(ollama);
  before?.(machine);
  const params = machine.params({ env, models: [{ name: NAME, warm: true, minGpuPercent: 0, ...wanted }] });
  const agent = startAgent(host(machine.host));
  t.teardown(() => agent.stop());
  const warmed = params.models.map((one) => warm(params, one));
  agent.set([driver(params), dropIn(params), service(params), listening(params), ...warmed]);
  const loaded = async () => {
    return ((await ask(`http://${machine.address}:${PORT}/api/ps`)) as { models: Loaded[] }).models;
  };
  return { machine, agent, loaded };
}

/** What nvidia-smi prints, and with which status it ends. */
export function smi(machine: Machine, text: string, status = 0): void {
  machine.write(SMI, `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${status}\n`, 0o755);
}

/** As somebody else would; 0 unloads. */
export async function load(machine: Machine, keepAlive: number): Promise<void> {
  await ask(`http://${machine.address}:${PORT}/api/generate`, "POST", { model: NAME, keep_alive: keepAlive });
}

export function card({ name, totalMiB, driver, compute }: typeof T4): string {
  return `0, GPU-4d1f0e2a, ${name}, ${driver}, ${totalMiB}, 1, 0, 40, 27.10, ${compute}`;
}

export const gpu = { minGpuPercent: 80 };
export const withCard = (machine: Machine) => smi(machine, card(T4));

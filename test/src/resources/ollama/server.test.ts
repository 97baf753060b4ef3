import { existsSync } from "node:fs";
import { join } from "node:path";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import { type Agent, startAgent } from "../agent.ts";
import { DROP_INS, Machine, PORT, vendorUnit } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;
type Assertions = Pick<typeof t, "match" | "equal">;

const UNIT = "ollama.service";
const UNIT_FILE = "/etc/systemd/system/ollama.service";
const OURS = `${DROP_INS}/zz-fettle.conf`;
const OTHERS = `${DROP_INS}/override.conf`;
const OTHERS_TEXT =
  '[Service]\nEnvironment="OLLAMA_DEBUG=1" "OLLAMA_HOST=127.0.0.1:1"\nEnvironmentFile=-/etc/default/ollama\n';
const DECLARED = { OLLAMA_KEEP_ALIVE: "-1", OLLAMA_NO_CLOUD: "1" };

interface World {
  readonly machine: Machine;
  readonly agent: Agent;
}

const server = (params: OllamaParams) => [dropIn(params), service(params), listening(params)];

/** The vendor's Ollama with somebody's own drop-in, kept by an agent; in sync when it resolves, if it is to be. */
async function world(t: Test, before?: (machine: Machine) => Promise<void> | void): Promise<World> {
  const machine = await Machine.start(t);
  await machine.installVendor();
  machine.write(OTHERS, OTHERS_TEXT);
  machine.write("/etc/default/ollama", "OLLAMA_EDITOR=vi\n");
  await before?.(machine);
  const agent = startAgent(machine.host);
  t.teardown(() => agent.stop());
  agent.set(server(machine.params({ env: DECLARED })));
  if (!before) await agent.converged();
  return { machine, agent };
}

const environ = async (machine: Machine) => (await machine.host.proc.environ(machine.pid)) ?? {};

async function isRight(t: Assertions, machine: Machine): Promise<void> {
  await machine.answers();
  t.match(await environ(machine), {
    ...DECLARED,
    OLLAMA_HOST: `${machine.address}:${PORT}`,
    OLLAMA_DEBUG: "1",
    OLLAMA_EDITOR: "vi",
  });
  t.equal(await machine.version(), "0.32.15");
  t.equal(machine.manager.show(UNIT).enabled, "enabled");
  t.equal(machine.read(OTHERS), OTHERS_TEXT, "somebody's own drop-in is left alone");
  t.equal(machine.read(UNIT_FILE), vendorUnit(machine.address), "and so is the vendor's unit");
}

t.test("from the vendor's installation to the declared one, and then nothing more is done", async (t) => {
  const { machine, agent } = await world(t);
  await isRight(t, machine);
  t.same(
    agent.runs().map((run) => `${run.resource} ${run.outcome}`),
    ["ollama.drop-in repaired", "ollama.service repaired"],
  );
  const { pid } = machine;
  for (let pass = 0; pass < 4; pass += 1) await agent.until("ollama.listening", "in-sync");
  agent.set(server(machine.params({ env: DECLARED })));
  await agent.converged();
  t.equal(agent.runs().length, 2, "the same again writes nothing");
  t.equal(machine.pid, pid);
});

interface Drift {
  readonly name: string;
  /** Which resource sees it. */
  readonly seen: string;
  readonly make: (machine: Machine) => Promise<void> | void;
  /** False where the process may go on as it is. */
  readonly restarted?: boolean;
}

const wants = (target: string) => `/etc/systemd/system/${target}.target.wants/${UNIT}`;

const drifts: Drift[] = [
  { name: "our drop-in is removed", seen: "ollama.drop-in", make: (machine) => machine.remove(OURS), restarted: false },
  {
    name: "our drop-in is edited",
    seen: "ollama.drop-in",
    make: (machine) => machine.write(OURS, machine.read(OURS).replace('KEEP_ALIVE=-1"', 'KEEP_ALIVE=5m"')),
    restarted: false,
  },
  {
    name: "our drop-in is edited and counts",
    seen: "ollama.service",
    make: async (machine) => {
      machine.write(OURS, '[Service]\nEnvironment="OLLAMA_HOST=127.0.0.1:1"\n');
      await machine.host.units.daemonReload();
      await machine.host.units.stop(UNIT);
    },
  },
  {
    name: "it is stopped",
    seen: "ollama.service",
    make: (machine) => machine.host.units.stop(UNIT),
  },
  {
    name: "it is disabled",
    seen: "ollama.service",
    make: (machine) => {
      for (const target of ["default", "multi-user"]) machine.remove(wants(target));
    },
    restarted: false,
  },
  {
    name: "the process has an environment from before",
    seen: "ollama.service",
    make: async (machine) => {
      const right = machine.read(OURS);
      machine.write(OURS, right.replace("KEEP_ALIVE=-1", "KEEP_ALIVE=1m"));
      await machine.host.units.daemonReload();
      await machine.host.units.restart(UNIT);
      machine.write(OURS, right);
      await machine.host.units.daemonReload();
    },
  },
  {
    name: "the process has a setting that is no more",
    seen: "ollama.service",
    make: async (machine) => {
      machine.write(`${DROP_INS}/a.conf`, '[Service]\nEnvironment="OLLAMA_NUM_PARALLEL=9"\n');
      await machine.host.units.daemonReload();
      await machine.host.units.restart(UNIT);
      machine.remove(`${DROP_INS}/a.conf`);
      await machine.host.units.daemonReload();
    },
  },
];

for (const { name, seen, make, restarted = true } of drifts)
  t.test(`drift: ${name}`, async (t) => {
    const { machine, agent } = await world(t);
    const { pid } = machine;
    const resources = server(machine.params({ env: DECLARED }));
    agent.set(resources, { policy: { mode: "observe", pauses: [], contention: null } });
    await make(machine);
    await agent.until(seen, "agent.observing");
    agent.set(resources);
    await agent.converged();
    t.match(agent.runs(seen).at(-1), { outcome: "repaired" });
    await isRight(t, machine);
    t.notOk(existsSync(join(machine.root, `${DROP_INS}/a.conf`)));
    if (restarted) t.not(machine.pid, pid);
    else t.equal(machine.pid, pid, "the server goes on");
  });

t.test("it is killed: systemd starts it again, and nobody is in its way", async (t) => {
  const { machine, agent } = await world(t);
  const { pid } = machine;
  process.kill(pid, "SIGKILL");
  await agent.until("ollama.service", () => machine.pid !== pid && machine.pid !== 0);
  await agent.converged();
  await isRight(t, machine);
  t.equal(agent.runs().length, 2);
});

t.test("the drop-ins' folder is removed: ours is made again, what else lay there is not ours to know", async (t) => {
  const { machine, agent } = await world(t);
  machine.remove(DROP_INS);
  await agent.until("ollama.drop-in", () => agent.runs("ollama.drop-in").length === 2);
  await agent.converged();
  t.match(await environ(machine), { ...DECLARED, OLLAMA_HOST: `${machine.address}:${PORT}` });
});

interface Held {
  readonly name: string;
  readonly id: string;
  readonly code: string;
  readonly before: (machine: Machine) => Promise<void> | void;
  readonly names?: RegExp;
}

const held: Held[] = [
  {
    name: "a later drop-in sets the same",
    id: "ollama.drop-in",
    code: "ollama.drop-in.overridden",
    before: (machine) => machine.write(`${DROP_INS}/zzz.conf`, "[Service]\nEnvironment=OLLAMA_HOST=0.0.0.0\n"),
    names: /zzz\.conf .*OLLAMA_HOST/,
  },
  {
    name: "a later drop-in clears everything",
    id: "ollama.drop-in",
    code: "ollama.drop-in.overridden",
    before: (machine) => machine.write(`${DROP_INS}/zzz.conf`, "[Service]\nEnvironment=\n"),
    names: /zzz\.conf/,
  },
  {
    name: "an EnvironmentFile sets the same",
    id: "ollama.drop-in",
    code: "ollama.drop-in.overridden",
    before: (machine) => {
      machine.write("/etc/default/ollama", "OLLAMA_KEEP_ALIVE=5m\n");
      machine.write(`${DROP_INS}/a.conf`, "[Service]\nEnvironmentFile=-/etc/default/ollama\n");
    },
    names: /\/etc\/default\/ollama .*OLLAMA_KEEP_ALIVE/,
  },
  {
    name: "the unit is masked",
    id: "ollama.drop-in",
    code: "ollama.drop-in.masked",
    before: (machine) => machine.host.files.link("/dev/null", UNIT_FILE),
  },
  {
    name: "it ends at once, again and again",
    id: "ollama.service",
    code: "ollama.service.crashing",
    before: (machine) => machine.ollama({ startFails: "could not create directory mkdir /x: permission denied" }),
    names: /permission denied/,
  },
];

for (const { name, id, code, before, names } of held)
  t.test(`blocked: ${name}`, async (t) => {
    const { machine, agent } = await world(t, before);
    const { state, reason } = await agent.until(id, code);
    t.equal(state, "blocked");
    if (names) t.match(reason, names);
    t.equal(machine.read(OTHERS), OTHERS_TEXT);
  });

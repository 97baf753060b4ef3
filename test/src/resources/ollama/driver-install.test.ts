import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { driver } from "@fettle/agent/resources/ollama/driver.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import t, { type Test } from "tap";
import { type Agent, startAgent } from "../agent.ts";
import { FakeApt, type Offered } from "./fake-apt.ts";
import { Machine } from "./machine.ts";
import { card, DRIVER, gpu, NAME, smi, T4 } from "./memory-world.ts";

t.setTimeout(280_000);

const KERNEL = "6.8.0-1021-aws";
const ALIAS = "pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00";
const SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const FOR_T4 = "nvidia(pci:v000010DEd00001EB8sv*sd*bc03sc*i*, pci:v000010DEd00002330sv*sd*bc03sc*i*)";
const FOR_OTHERS = "nvidia(pci:v000010DEd00002B85sv*sd*bc03sc*i*)";

function branch(number: number, modaliases = FOR_T4): Offered[] {
  const version = `${number}.95.05-0ubuntu0.24.04.1`;
  const names = [`nvidia-headless-no-dkms-${number}-server`, `nvidia-headless-${number}-server`];
  const modules = ["aws", KERNEL].map((kernel) => `linux-modules-nvidia-${number}-server-${kernel}`);
  return [
    { name: `nvidia-driver-${number}-server`, version, modaliases },
    ...[...names, `nvidia-utils-${number}-server`, ...modules].map((name) => ({ name, version })),
  ];
}

const UBUNTU: readonly Offered[] = [
  ...branch(535),
  ...branch(570),
  ...branch(580),
  // One that only leads to another, and one that does not know this card any more.
  { name: "nvidia-driver-575-server", version: "580.95.05-0ubuntu0.24.04.1", modaliases: FOR_T4 },
  ...branch(590, FOR_OTHERS),
];
const CHOSEN = [
  "nvidia-headless-no-dkms-580-server",
  "nvidia-utils-580-server",
  "linux-modules-nvidia-580-server-aws",
  `linux-modules-nvidia-580-server-${KERNEL}`,
];
const INSTALL = `install --yes --no-install-recommends ${CHOSEN.join(" ")}`;

interface Scene {
  readonly machine: Machine;
  readonly apt: FakeApt;
  readonly host: Host;
  /** What the machine's boot is called now. */
  boot: string;
  agent(options?: { store?: Agent["store"]; firstBootReboot?: boolean; params?: Partial<OllamaParams> }): Agent;
  rebooted(): number;
}

/** A cloud's VM with a T4 and no driver. */
async function scene(test: Test, state: ConstructorParameters<typeof FakeApt>[1] = {}): Promise<Scene> {
  const machine = await Machine.start(test);
  const installed = { "linux-image-aws": "1", [`linux-image-${KERNEL}`]: "1" };
  const apt = new FakeApt(machine, { listed: UBUNTU, sources: UBUNTU, installed, ...state });
  const pci = "sys/bus/pci/devices/0000:00:1e.0";
  machine.write(`${pci}/vendor`, "0x10de\n");
  machine.write(`${pci}/class`, "0x030200\n");
  machine.write(`${pci}/modalias`, `${ALIAS}\n`);
  machine.write("etc/os-release", 'ID=ubuntu\nVERSION_CODENAME="noble"\n');
  machine.write("usr/bin/systemctl", `#!/bin/sh\necho "$@" >> '${machine.root}/systemctl.log'\n`, 0o755);
  modprobe(machine, null);
  const found: Scene = {
    machine,
    apt,
    boot: "boot-1",
    host: {
      ...machine.host,
      metrics: {
        ...machine.host.metrics,
        facts: async () => ({ ...(await machine.host.metrics.facts()), kernel: KERNEL, bootId: found.boot }),
      },
    },
    agent({ store, firstBootReboot = false, params = {} } = {}) {
      const agent = startAgent(found.host, store);
      test.teardown(() => agent.stop());
      agent.set([driver(machine.params({ driver: "install", ...params }), firstBootReboot)]);
      return agent;
    },
    rebooted() {
      const path = join(machine.root, "systemctl.log");
      return existsSync(path)
        ? readFileSync(path, "utf8")
            .split("\n")
            .filter((line) => line === "reboot").length
        : 0;
    },
  };
  return found;
}

/** The module loads and the driver works, or it does not and says why. */
function modprobe(machine: Machine, problem: string | null): void {
  const smiText = card({ ...T4, driver: "580.95.05" });
  const works = `cat > '${machine.root}/usr/bin/nvidia-smi' <<'OUTER'\n#!/bin/sh\ncat <<'END'\n${smiText}\nEND\nOUTER\nchmod 755 '${machine.root}/usr/bin/nvidia-smi'`;
  const text = problem === null ? works : `echo "${problem}" >&2; exit 1`;
  machine.write("usr/sbin/modprobe", `#!/bin/sh\necho "$@" >> '${machine.root}/modprobe.log'\n${text}\n`, 0o755);
}

t.test(
  "the newest server branch for this card, with the kernel's own signed modules, and no reboot if it loads",
  async (t) => {
    const { machine, apt, agent: start } = await scene(t);
    const agent = start();
    await agent.until(DRIVER, "in-sync", 30_000);
    t.same(apt.asked(), ["update", INSTALL]);
    t.equal(machine.read("modprobe.log"), "--all nvidia nvidia_uvm\n");
    t.match(agent.runs(DRIVER), [{ outcome: "repaired" }]);
    for (let pass = 0; pass < 3; pass += 1) await agent.until(DRIVER, "in-sync");
    t.equal(apt.asked().length, 2, "what is there is left alone");
  },
);

t.test("Ollama that was started before the driver came is started again, once", async (t) => {
  const { machine, agent: start } = await scene(t);
  await machine.installVendor();
  await machine.manager.start("ollama.service");
  await machine.answers();
  const { pid } = machine;
  const agent = start();
  await agent.until(DRIVER, ({ state }) => state === "in-sync" && machine.pid !== pid, 40_000);
  const again = machine.pid;
  for (let pass = 0; pass < 3; pass += 1) await agent.until(DRIVER, "in-sync");
  t.equal(machine.pid, again);
});

t.test("a reboot is a person's word, once for each", async (t) => {
  const found = await scene(t);
  const { machine, apt } = found;
  modprobe(machine, "modprobe: ERROR: could not insert 'nvidia': No such device (nouveau has it)");
  const agent = found.agent();
  const blocked = await agent.until(DRIVER, "ollama.driver.reboot", 30_000);
  t.match(blocked, { state: "blocked", reason: /580.*nouveau has it/ });
  t.equal(found.rebooted(), 0);
  const [resource] = agent.loop.standing.resources;
  const { hash } = must(resource, "the driver");
  const approvals = [{ resource: DRIVER, hash, token: "yes-1" }];
  agent.set(agent.loop.standing.resources, { approvals });
  await agent.until(DRIVER, () => found.rebooted() === 1, 30_000);
  await agent.stop();
  const again = startAgent(found.host, agent.store);
  t.teardown(() => again.stop());
  again.set(agent.loop.standing.resources, { approvals });
  await again.until(DRIVER, "ollama.driver.reboot", 30_000);
  t.equal(found.rebooted(), 1, "the same yes is not good twice");
  await again.stop();
  found.boot = "boot-2";
  modprobe(machine, null);
  const up = startAgent(found.host, agent.store);
  t.teardown(() => up.stop());
  up.set(agent.loop.standing.resources, { approvals });
  await up.until(DRIVER, "in-sync", 30_000);
  t.equal(found.rebooted(), 1);
  t.equal(apt.asked().length, 2, "installed once");
});

t.test("the first boot may end for it by itself, once, where the machine's own policy says so", async (t) => {
  const found = await scene(t);
  modprobe(found.machine, "modprobe: FATAL: Module nvidia not found in directory /lib/modules/6.8.0-1021-aws");
  const agent = found.agent({ firstBootReboot: true });
  await agent.until(DRIVER, () => found.rebooted() === 1, 30_000);
  await agent.stop();
  found.boot = "boot-2";
  const again = found.agent({ store: agent.store, firstBootReboot: true });
  const now = await again.until(DRIVER, "ollama.driver.no-module", 30_000);
  t.match(now, { state: "blocked", reason: /also after a reboot: .*not found/ });
  t.equal(found.rebooted(), 1);
  const later = await scene(t);
  modprobe(later.machine, "modprobe: ERROR: nouveau");
  const old = later.agent({ params: {} });
  await old.until(DRIVER, "ollama.driver.reboot", 30_000);
  await old.stop();
  later.boot = "boot-2";
  const told = later.agent({ store: old.store, firstBootReboot: true });
  await told.until(DRIVER, "ollama.driver.reboot", 30_000);
  t.equal(later.rebooted(), 0, "a later boot does not");
});

t.test("one below the floor is replaced within the distribution; one at it is never touched", async (t) => {
  const old = await scene(t, {
    installed: { "linux-image-aws": "1", "nvidia-utils-535-server": "535.1-0" },
    removes: ["nvidia-utils-535-server"],
  });
  smi(old.machine, card({ ...T4, driver: "535.183.01" }));
  const agent = old.agent();
  await agent.until(DRIVER, ({ state }) => state === "in-sync", 40_000);
  t.ok(old.apt.installed.includes("nvidia-utils-580-server"));
  const there = await scene(t, { installed: { "nvidia-utils-570-server": "570.1-0" } });
  smi(there.machine, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9);
  modprobe(there.machine, "modprobe: ERROR: no");
  await there.agent().until(DRIVER, "ollama.driver.reboot", 30_000);
  t.same(there.apt.asked(), [], "what keeps a good one from working is not cured by another");
});

t.test("nothing to do", async (t) => {
  const none = await scene(t);
  none.machine.remove("sys/bus/pci/devices");
  await none.agent().until(DRIVER, "in-sync");
  const told = await scene(t);
  const wanted = { models: [{ name: NAME, warm: true, ...gpu }] };
  const agent = startAgent(told.host);
  t.teardown(() => agent.stop());
  agent.set([driver(told.machine.params(wanted))]);
  await agent.until(DRIVER, "ollama.driver.absent");
  t.same(told.apt.asked(), [], "report only tells");
});

interface Case {
  readonly name: string;
  readonly code: string;
  readonly state?: ConstructorParameters<typeof FakeApt>[1];
  readonly make?: (machine: Machine) => void;
  readonly params?: Partial<OllamaParams>;
}

const debian = (machine: Machine) => machine.write("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
const secure = (machine: Machine) => machine.write(SECURE_BOOT, "\u0006\u0000\u0000\u0000\u0001");
const unsigned = UBUNTU.filter(({ name }) => !name.startsWith("linux-modules"));
const DEBIAN_13 = [
  { name: "nvidia-driver", version: "550.163.01-2" },
  { name: `linux-headers-${KERNEL}`, version: "1" },
];

const CASES: readonly Case[] = [
  {
    name: "models want a card, and there is none",
    code: "ollama.driver.no-gpu",
    make: (machine) => machine.remove("sys/bus/pci/devices"),
    params: { models: [{ name: NAME, warm: true, ...gpu }] },
  },
  { name: "no apt", code: "ollama.driver.no-apt", make: (machine) => machine.remove("usr/bin/apt-cache") },
  {
    name: "nothing for this card, also after reading the lists",
    code: "ollama.driver.no-package",
    state: { listed: branch(590, FOR_OTHERS), sources: branch(590, FOR_OTHERS) },
  },
  { name: "held", code: "ollama.driver.held", state: { held: ["libnvidia-compute-535"] } },
  {
    name: "Secure Boot and no signed modules",
    code: "ollama.driver.secure-boot",
    state: { listed: unsigned, sources: unsigned },
    make: secure,
  },
  {
    name: "to be compiled, without the kernel's headers",
    code: "ollama.driver.no-headers",
    state: { listed: unsigned, sources: unsigned },
  },
  { name: "Debian without non-free", code: "ollama.driver.non-free", state: { listed: [], sources: [] }, make: debian },
  {
    name: "Debian 12's is below the floor",
    code: "ollama.driver.distribution-too-old",
    state: { listed: [{ name: "nvidia-driver", version: "535.247.01-1~deb12u1" }] },
    make: debian,
  },
  {
    name: "Debian and Secure Boot",
    code: "ollama.driver.secure-boot",
    state: { listed: DEBIAN_13 },
    make: (machine) => {
      debian(machine);
      secure(machine);
    },
  },
  {
    name: "one that no package has brought",
    code: "ollama.driver.foreign",
    make: (machine) => smi(machine, card({ ...T4, driver: "535.1" })),
  },
  {
    name: "the module's key is refused",
    code: "ollama.driver.secure-boot",
    make: (machine) => modprobe(machine, "modprobe: ERROR: could not insert 'nvidia': Key was rejected by service"),
  },
];

for (const { name, code, state, make, params = {} } of CASES)
  t.test(`blocked: ${name}`, async (t) => {
    const { machine, agent: start } = await scene(t, state);
    make?.(machine);
    const agent = start({ params });
    const now = await agent.until(DRIVER, code, 30_000);
    t.equal(now.state, "blocked");
    t.notMatch(now.reason, /\{\w+\}/, "all of it is filled in");
  });

t.test("Debian's own driver, compiled", async (t) => {
  const { machine, apt, agent: start } = await scene(t, { listed: [], sources: DEBIAN_13 });
  debian(machine);
  await start().until(DRIVER, "in-sync", 30_000);
  t.same(apt.asked(), [
    "update",
    `install --yes --no-install-recommends linux-headers-${KERNEL} nvidia-driver nvidia-smi libcuda1`,
  ]);
});

t.test("every way in which the installation fails has its code, and is tried again", async (t) => {
  const cases = [
    ["E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt)", "ollama.driver.apt-locked"],
    ["E: Packages were downgraded and -y was used without --allow-downgrades.", "ollama.driver.downgrade"],
    ["Error! Bad return status for module build on kernel: 6.8.0-1021-aws (x86_64)", "ollama.driver.compile"],
    ["E: You don't have enough free space in /var/cache/apt/archives/.", "ollama.driver.disk-full"],
    ["E: Failed to fetch http://deb.example/x.deb  Could not connect", "ollama.driver.apt-unreachable"],
    ["E: Sub-process /usr/bin/dpkg returned an error code (1)", "ollama.driver.install-failed"],
  ] as const;
  const { apt, agent: start } = await scene(t);
  const failsWith = async (code: string) => {
    const agent = start();
    await agent.until(DRIVER, () => agent.runs(DRIVER).at(-1)?.code === code, 30_000);
    await agent.stop();
  };
  for (const [said, code] of cases) {
    apt.set({ fails: said });
    await failsWith(code);
  }
  apt.set({ fails: null, removes: ["gnome-shell"] });
  await failsWith("ollama.driver.would-remove");
});

t.test("an installation that an earlier life of the agent began is waited for", async (t) => {
  const { machine, apt, agent: start } = await scene(t);
  const argv = ["/bin/sleep", "2"];
  await machine.host.units.runTransient({ name: "fettle-driver-install", description: "x", argv });
  const agent = start();
  await agent.until(DRIVER, "agent.in-transit");
  t.same(apt.asked(), []);
  await agent.until(DRIVER, "in-sync", 40_000);
});

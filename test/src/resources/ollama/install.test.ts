import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { install } from "@fettle/agent/resources/ollama/install.ts";
import type { FindArchive } from "@fettle/agent/resources/ollama/installation.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import { type Agent, startAgent } from "../agent.ts";
import { Machine, vendorUnit } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;

const ID = "ollama.install";
const STORE = "usr/local/lib/fettle-ollama";
const PROGRAM = "usr/local/bin/ollama";
const UNIT = "etc/systemd/system/ollama.service";
const DEFAULT = "0.32.15";

interface World {
  readonly machine: Machine;
  readonly agent: Agent;
  /** Paths of release files that were asked for. */
  downloads(): number;
  folders(): string[];
}

interface Options {
  readonly params?: Partial<OllamaParams>;
  readonly archive?: FindArchive;
  readonly before?: (machine: Machine) => Promise<void> | void;
  readonly host?: (host: Host) => Host;
  readonly only?: boolean;
}

/** A machine with a release to be had, and an agent that keeps Ollama on it. */
async function world(t: Test, options: Options = {}): Promise<World> {
  const machine = await Machine.start(t);
  const release = await machine.release(options.params?.version ?? DEFAULT);
  await options.before?.(machine);
  const agent = startAgent((options.host ?? ((host) => host))(machine.host));
  t.teardown(() => agent.stop());
  agent.set(resources(machine.params(options.params), options.archive ?? (() => release), options.only));
  return {
    machine,
    agent,
    downloads: () => machine.registry.seen.filter(({ path }) => path.startsWith("/releases/")).length,
    folders: () => (existsSync(join(machine.root, STORE)) ? readdirSync(join(machine.root, STORE)).sort() : []),
  };
}

function resources(params: OllamaParams, archive: FindArchive, only = false) {
  const all = [install(params, archive), dropIn(params), service(params), listening(params)];
  return only ? all.slice(0, 1) : all;
}

const outcomes = (agent: Agent) => agent.runs().map((run) => `${run.resource} ${run.outcome}`);

t.test("from an empty machine to a running Ollama, and then nothing more is done", async (t) => {
  const { machine, agent, folders } = await world(t);
  await agent.converged();
  t.equal(await machine.version(), DEFAULT);
  const each = ["ollama.install", "ollama.drop-in", "ollama.service"].map((id) => `${id} repaired`);
  t.same(outcomes(agent), each, "each once");
  t.same(folders(), [`${DEFAULT}-1`]);
  t.equal(readlinkSync(join(machine.root, PROGRAM)), `../lib/fettle-ollama/${DEFAULT}-1/bin/ollama`);
  t.match(machine.read(UNIT), /^Wants=network-online\.target$/m);
  t.match(machine.read("etc/passwd"), /^ollama:x:998:998::\/usr\/share\/ollama:\/bin\/false$/m);
  t.match(machine.read("etc/group"), /^video:.*ollama$/m);
  t.match(machine.read("etc/group"), /^render:.*ollama$/m);
  t.same(readdirSync(join(machine.root, "var/lib/fettle-agent/downloads")), [], "the archive is gone");
  t.equal(machine.manager.show("fettle-ollama-unpack.service").load, "not-found", "and so is the unit");
  t.equal(agent.loop.facts().ollamaVersion, DEFAULT);
  const { pid } = machine;
  for (let pass = 0; pass < 5; pass += 1) await agent.until(ID, "in-sync");
  t.equal(agent.runs().length, 3);
  t.equal(machine.pid, pid);
});

t.test("a program of ours that lost a part is brought anew, and the server gets it", async (t) => {
  const { machine, agent, folders } = await world(t);
  await agent.converged();
  const { pid } = machine;
  machine.remove(`${STORE}/${DEFAULT}-1/lib/ollama/llama-server`);
  await agent.until(ID, ({ state }) => state !== "in-sync");
  await agent.converged();
  await agent.until(ID, () => folders().length === 1);
  t.same(folders(), [`${DEFAULT}-2`], "nothing of the old one stays");
  t.not(machine.pid, pid, "it was started again");
  t.match(outcomes(agent).slice(3), ["ollama.install repaired", "ollama.service repaired"]);
});

t.test("an Ollama that was there before is taken as it is", async (t) => {
  const { machine, agent, downloads } = await world(t, { before: (machine) => machine.installVendor("0.31.0") });
  await agent.converged();
  t.equal(await machine.version(), "0.31.0");
  t.same(agent.runs(ID), [], "nothing was installed");
  t.equal(downloads(), 0);
  t.equal(machine.read(UNIT), vendorUnit(machine.address), "its unit is left alone");
});

t.test("another version is declared: brought beside, and the server is started again with it", async (t) => {
  const { machine, agent } = await world(t, {
    params: { version: DEFAULT },
    before: async (machine) => {
      await machine.installVendor("0.31.0");
      await machine.host.units.start("ollama.service");
      await machine.answers();
    },
  });
  await agent.until(ID, ({ changes }) => changes.some(({ from, to }) => from === "0.31.0" && to === DEFAULT));
  await agent.converged();
  t.equal(await machine.version(), DEFAULT);
  t.equal(machine.read(UNIT), vendorUnit(machine.address), "its unit is left alone");
  t.ok(existsSync(join(machine.root, "usr/local/lib/ollama/llama-server")), "the vendor's library is left alone");
  t.match(agent.state(ID).findings, [
    { code: "ollama.install.old-library", args: { folder: "/usr/local/lib/ollama" } },
  ]);
});

t.test("the agent ends while an archive is unpacked: the next life goes on with it", async (t) => {
  const slow = (host: Host): Host => ({
    ...host,
    archives: {
      ...host.archives,
      unpackUnit: (order) => {
        const unit = host.archives.unpackUnit(order);
        return { ...unit, argv: ["/bin/sh", "-c", 'sleep 1; exec "$@"', "sh", ...unit.argv] };
      },
    },
  });
  const { machine, agent, downloads } = await world(t, { host: slow, only: true });
  const running = () => machine.manager.show("fettle-ollama-unpack.service").mainPid;
  await agent.until(ID, () => running() > 0);
  const pid = running();
  await agent.stop();
  t.equal(running(), pid, "the unit goes on without the agent");
  const next = startAgent(machine.host, agent.store);
  t.teardown(() => next.stop());
  next.set(agent.loop.standing.resources);
  await next.until(ID, "in-sync");
  t.same(readdirSync(join(machine.root, STORE)), [`${DEFAULT}-1`]);
  t.equal(downloads(), 1);
});

t.test("what a crash left is finished, or taken away", async (t) => {
  const { machine, agent, downloads, folders } = await world(t, { only: true });
  await agent.until(ID, "in-sync");
  machine.remove(PROGRAM);
  await agent.until(ID, () => existsSync(join(machine.root, PROGRAM)));
  t.equal(downloads(), 1, "a whole program needs no download, only the link");
  machine.write(`${STORE}/${DEFAULT}-2.new/bin/ollama`, "half");
  machine.write("var/lib/fettle-agent/downloads/ollama-0123.tar.zst.part", "half");
  await agent.until(ID, () => folders().length === 1);
  t.same(readdirSync(join(machine.root, "var/lib/fettle-agent/downloads")), []);
  machine.remove(UNIT);
  await agent.until(ID, () => existsSync(join(machine.root, UNIT)));
});

const OTHER_UNIT = "[Service]\nExecStart=/usr/bin/docker run --rm ollama/ollama\n";

interface Held extends Options {
  readonly name: string;
  readonly code: string;
}

const full = (host: Host): Host => ({
  ...host,
  files: { ...host.files, space: async (path) => ({ ...(await host.files.space(path)), freeBytes: 5e9 }) },
});

const held: Held[] = [
  {
    name: "below the floor",
    code: "ollama.install.below-floor",
    before: async (machine) => {
      await machine.installVendor("0.17.0");
      await machine.host.units.start("ollama.service");
      await machine.answers();
    },
  },
  {
    name: "the vendor's without its library",
    code: "ollama.install.incomplete",
    before: async (machine) => {
      await machine.installVendor();
      machine.remove("usr/local/lib/ollama");
    },
  },
  {
    name: "the vendor's without its runner",
    code: "ollama.install.incomplete",
    before: async (machine) => {
      await machine.installVendor();
      machine.remove("usr/local/lib/ollama/llama-server");
      await machine.host.units.start("ollama.service");
      await machine.answers();
    },
  },
  {
    name: "a unit that starts something else",
    code: "ollama.install.foreign",
    before: (machine) => machine.write(UNIT, OTHER_UNIT),
  },
  {
    name: "a masked unit and no program",
    code: "ollama.service.masked",
    before: (machine) => machine.host.files.link("/dev/null", `/${UNIT}`),
  },
  { name: "no sum known", code: "ollama.install.no-archive", archive: () => null },
  { name: "too little space", code: "ollama.install.disk-full", host: full },
];

for (const { name, code, ...options } of held)
  t.test(`blocked: ${name}`, async (t) => {
    const { machine, agent, downloads, folders } = await world(t, options);
    const before = machine.pid;
    t.equal((await agent.until(ID, code)).state, "blocked");
    t.same(agent.runs(), [], "nothing is done, here and in what comes after it");
    t.same([downloads(), folders(), machine.pid], [0, [], before]);
  });

t.test("failures of the download, each with its code; the next try goes on", async (t) => {
  const { machine, agent } = await world(t, {
    only: true,
    before: ({ registry }) => registry.faults.replace({ status: { "/releases": 403 } }),
  });
  const ended = async (code: string) => {
    await agent.until(ID, () => agent.runs(ID).at(-1)?.code === code);
    return agent.runs(ID).at(-1);
  };
  t.match(await ended("ollama.install.download-failed"), { outcome: "failed", reason: /status 403/ });
  machine.registry.faults.replace({ corrupt: true });
  agent.loop.repair([ID]);
  t.match(await ended("ollama.install.sum-differs"), { outcome: "failed" });
  t.equal((await agent.until(ID, "ollama.install.sum-differs")).state, "blocked", "it is not fetched again and again");
  t.same(readdirSync(join(machine.root, "var/lib/fettle-agent/downloads")), [], "what is not the archive is not kept");
  machine.registry.faults.replace({ cutAfterBytes: 500_000, times: 1 });
  agent.set(agent.loop.standing.resources, { retry: { [ID]: "again" } });
  await agent.until(ID, "in-sync");
  const ranges = machine.registry.seen.filter(({ path }) => path.startsWith("/releases/")).map(({ range }) => range);
  t.match(ranges.at(-1), /^bytes=[1-9]\d*-$/, "a download that was cut goes on where it ended");
});

t.test("an archive that cannot be unpacked: said, nothing of it stays, and another one is taken", async (t) => {
  let archive = { url: "", sha256: "" };
  const { machine, agent, folders } = await world(t, {
    only: true,
    archive: () => archive,
    before: (machine) => {
      archive = machine.spoiledRelease("0.0.1", zstdCompressSync(Buffer.alloc(100_000, "no tar")));
    },
  });
  await agent.until(ID, () => agent.runs(ID).at(-1)?.code === "ollama.install.unpack-failed");
  t.match(agent.runs(ID).at(-1), { reason: /could not be unpacked: TAR_/ });
  t.same(folders(), []);
  t.equal(machine.manager.show("fettle-ollama-unpack.service").load, "not-found");
  archive = await machine.release(DEFAULT);
  agent.loop.repair([ID]);
  await agent.until(ID, "in-sync");
  t.same(readdirSync(join(machine.root, "var/lib/fettle-agent/downloads")), [], "the other archive is taken away");
});

t.test("the download says how far it is", async (t) => {
  const { agent } = await world(t, {
    only: true,
    before: ({ registry }) => registry.faults.replace({ bytesPerSecond: 700_000 }),
  });
  const { progress } = await agent.until(ID, ({ progress }) => progress?.text === "downloading Ollama");
  t.match(progress, { doneBytes: Number, totalBytes: Number });
  await agent.until(ID, "in-sync");
});

t.test("no user can be made", async (t) => {
  const before = (machine: Machine) => machine.write("usr/sbin/useradd", "#!/bin/sh\necho no >&2\nexit 1\n", 0o755);
  const { machine, agent } = await world(t, { only: true, before });
  await agent.until(ID, () => agent.runs(ID).at(-1)?.code === "ollama.install.user-failed");
  t.notOk(existsSync(join(machine.root, PROGRAM)));
});

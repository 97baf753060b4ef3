import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { model } from "@fettle/agent/resources/ollama/model.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { OllamaModel } from "@fettle/shared/roles/ollama.ts";
import t from "tap";
import type { OllamaFaults } from "../../stand-ins/ollama/faults.ts";
import type { RegistryFaults } from "../../stand-ins/registry/faults.ts";
import { publish } from "../../stand-ins/registry/models.ts";
import { type Agent, startAgent } from "../agent.ts";
import { ask } from "./ask.ts";
import { Machine, PORT } from "./machine.ts";

type Test = Pick<typeof t, "teardown">;

const NAME = "mistral:instruct";
const ID = `ollama.model[${NAME}]`;
const BLOBS = "usr/share/ollama/.ollama/models/blobs";
const OTHERS = { name: "somebody/own:1b", bytes: 20_000 };

interface World {
  readonly machine: Machine;
  readonly agent: Agent;
  tags(): Promise<string[]>;
}

interface Options {
  readonly wanted?: Partial<OllamaModel>;
  readonly ollama?: Partial<OllamaFaults>;
  readonly registry?: Partial<RegistryFaults>;
  readonly host?: (host: Host) => Host;
}

/** A running Ollama with somebody's own model, and an agent that wants another there. */
async function world(t: Test, { wanted = {}, ollama, registry, host = (one) => one }: Options = {}): Promise<World> {
  const machine = await Machine.start(t);
  await machine.installVendor();
  machine.installModel(OTHERS);
  if (ollama) await machine.ollama(ollama);
  if (registry) machine.registry.faults.replace(registry);
  const params = machine.params({ models: [{ name: NAME, warm: false, minGpuPercent: 0, ...wanted }] });
  const agent = startAgent(host(machine.host));
  t.teardown(() => agent.stop());
  const models = params.models.map((one) => model(params, one));
  agent.set([dropIn(params), service(params), listening(params), ...models]);
  const url = `http://${machine.address}:${PORT}/api/tags`;
  const tags = async () => {
    const { models } = (await ask(url)) as { models: { name: string }[] };
    return models.map(({ name }) => name).sort();
  };
  return { machine, agent, tags };
}

const digestOf = (revision = 0) =>
  createHash("sha256")
    .update(
      publish({ name: NAME, bytes: 3_000_000, family: "llama", parameters: "7.2B", quantization: "Q4_0" }, revision)
        .manifest,
    )
    .digest("hex");

t.test("a model is pulled with its progress, once; removed it is pulled again; others stay", async (t) => {
  const { machine, agent, tags } = await world(t, { registry: { bytesPerSecond: 6_000_000 } });
  const seen = await agent.until(ID, ({ progress }) => (progress?.doneBytes ?? 0) > 0);
  t.match(seen.progress, { text: "pulling", totalBytes: Number });
  t.ok((seen.progress?.totalBytes ?? 0) > 3_000_000, "the whole model, not the layer of the moment");
  await agent.converged();
  t.same(await tags(), [NAME, OTHERS.name]);
  for (let pass = 0; pass < 3; pass += 1) await agent.until(ID, "in-sync");
  t.equal(agent.runs(ID).length, 1);
  machine.registry.faults.replace({});
  await ask(`http://${machine.address}:${PORT}/api/delete`, "DELETE", { model: NAME });
  await agent.until(ID, () => agent.runs(ID).length === 2);
  await agent.converged();
  t.same(await tags(), [NAME, OTHERS.name]);
});

t.test("a pinned digest", async (t) => {
  await t.test("that the registry has", async (t) => {
    const { agent } = await world(t, { wanted: { digest: digestOf() } });
    await agent.converged();
    t.equal(agent.runs(ID).length, 1);
  });
  await t.test("that it no longer has", async (t) => {
    const { agent } = await world(t, { wanted: { digest: digestOf() }, registry: { revisions: { [NAME]: 1 } } });
    const { state, args } = await agent.until(ID, "ollama.model.digest-differs");
    t.equal(state, "blocked");
    t.match(args, { found: digestOf(1), wanted: digestOf() });
    t.equal(agent.runs(ID).length, 1, "it is not pulled again and again");
  });
});

interface Failure extends Options {
  readonly name: string;
  readonly code: string;
  readonly reason?: RegExp;
  /** It is not even tried. */
  readonly blocked?: true;
}

const quick = { retryMs: 1, stallMs: 100 };
const cramped = (host: Host): Host => ({
  ...host,
  files: { ...host.files, space: async (path) => ({ ...(await host.files.space(path)), freeBytes: 3_000_000 }) },
});

const failures: Failure[] = [
  { name: "no such model", wanted: { name: "nosuch:1b" }, code: "ollama.model.not-found", blocked: true },
  { name: "too little space", host: cramped, code: "ollama.model.disk-full", blocked: true },
  { name: "a newer Ollama is needed", registry: { manifestStatus: 412 }, code: "ollama.model.needs-newer" },
  {
    name: "intercepted TLS",
    ollama: { manifestError: "tls: failed to verify certificate: x509: certificate signed by unknown authority" },
    code: "ollama.model.tls",
    reason: /x509/,
  },
  {
    name: "no name resolution",
    ollama: { manifestError: "dial tcp: lookup registry.ollama.ai on 127.0.0.53:53: no such host" },
    code: "ollama.model.registry-unreachable",
  },
  {
    name: "a route that leads nowhere",
    ollama: { manifestError: "dial tcp 1.2.3.4:443: i/o timeout" },
    code: "ollama.model.registry-unreachable",
  },
  {
    name: "a model of another kind",
    ollama: { manifestError: "this model requires MLX support, but the MLX runtime is not available" },
    code: "ollama.model.unsupported",
  },
  { name: "blobs without Location", registry: { noLocation: true }, code: "ollama.model.registry-unfit" },
  {
    name: "the registry in trouble",
    registry: { manifestStatus: 500 },
    code: "ollama.model.pull-failed",
    reason: /500/,
  },
  { name: "wrong bytes, always", registry: { corrupt: true }, ollama: quick, code: "ollama.model.corrupt-part" },
];

for (const { name, code, reason, blocked, ...options } of failures)
  t.test(`failure: ${name}`, async (t) => {
    const { agent, tags } = await world(t, options);
    const id = `ollama.model[${options.wanted?.name ?? NAME}]`;
    if (blocked) {
      t.equal((await agent.until(id, code)).state, "blocked");
      t.same(agent.runs(id), []);
    } else {
      await agent.until(id, () => agent.runs(id).at(-1)?.code === code);
      t.match(agent.runs(id).at(-1), { outcome: "failed", ...(reason && { reason }) });
      t.match(agent.state(id).state, /^(failed|repairing)$/);
    }
    t.same(await tags(), [OTHERS.name]);
  });

t.test("only the line that says so is success; but what counts in the end is what is there", async (t) => {
  const { agent } = await world(t, { ollama: { pullJustEnds: true } });
  await agent.until(ID, () => agent.runs(ID).length > 0);
  await agent.converged();
  t.match(agent.runs(ID), [{ outcome: "failed", code: "ollama.model.pull-failed" }]);
});

t.test("a full disk in the middle of a pull: said, and healed when there is space again", async (t) => {
  const { machine, agent, tags } = await world(t, { ollama: { ...quick, diskFullAfterBytes: 100_000 } });
  await agent.until(ID, () => agent.runs(ID).at(-1)?.code === "ollama.model.disk-full");
  t.ok(
    readdirSync(join(machine.root, BLOBS)).some((file) => file.includes("-partial")),
    "a spoiled part is left",
  );
  await machine.ollama(quick);
  agent.loop.repair([ID]);
  await agent.converged();
  t.same(await tags(), [NAME, OTHERS.name]);
  t.notOk(readdirSync(join(machine.root, BLOBS)).some((file) => file.includes("-partial")));
});

/** A minute passes in a second. */
const hurried = (host: Host): Host => ({
  ...host,
  clock: {
    now: () => host.clock.now(),
    mono: () => host.clock.mono() * 60,
    sleep: (ms, signal) => host.clock.sleep(ms / 60, signal),
    random: () => host.clock.random(),
  },
});

t.test("a pull that stands still for a minute is given up and goes on where it was", async (t) => {
  const { machine, agent, tags } = await world(t, { host: hurried, ollama: { pullStallsAfterBytes: 1_000_000 } });
  const begun = () => machine.registry.seen.filter(({ path }) => path.endsWith("/manifests/instruct")).length;
  await agent.until(ID, () => begun() === 3, 10_000);
  await machine.ollama({});
  await agent.converged();
  t.same(await tags(), [NAME, OTHERS.name]);
  t.equal(agent.runs(ID).length, 1, "within one run");
  const log = agent.store.logs
    .owed(100)
    .map(({ data }) => data)
    .join("");
  t.match(log, /no byte came for 60 s/);
  t.ok(existsSync(join(machine.root, BLOBS)));
});

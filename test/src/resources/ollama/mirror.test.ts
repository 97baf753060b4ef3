import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { dropIn } from "@fettle/agent/resources/ollama/drop-in.ts";
import { listening } from "@fettle/agent/resources/ollama/listening.ts";
import { model } from "@fettle/agent/resources/ollama/model.ts";
import { service } from "@fettle/agent/resources/ollama/service.ts";
import type { OllamaModel } from "@fettle/shared/roles/ollama.ts";
import t, { type Test } from "tap";
import { FakeMirror } from "../../mirror/fake-mirror.ts";
import { type ModelSpec, publish } from "../../stand-ins/registry/models.ts";
import { startAgent } from "../agent.ts";
import { ask } from "./ask.ts";
import { Machine, PORT } from "./machine.ts";

const NAME = "mistral:instruct";
const ID = `ollama.model[${NAME}]`;
const MODELS = "usr/share/ollama/.ollama/models";
const SPEC: ModelSpec = { name: NAME, bytes: 3_000_000, family: "llama", parameters: "7.2B", quantization: "Q4_0" };

/** What `fettle mirror add model` puts there. */
function offer(mirror: FakeMirror, spec: ModelSpec, name = spec.name): string {
  const { manifest, blobs } = publish(spec);
  for (const blob of blobs) mirror.put(blob.read(0, blob.size), blob.digest.slice(7));
  const sha256 = createHash("sha256").update(manifest).digest("hex");
  mirror.put(manifest);
  mirror.items.push({ kind: "model", name, sha256, size: blobs.reduce((sum, { size }) => sum + size, 0) });
  return sha256;
}

interface Options {
  readonly wanted?: Partial<OllamaModel>;
  readonly prepare?: (mirror: FakeMirror) => void;
}

/** A running Ollama on a machine from which no registry is reached. */
async function world(t: Test, { wanted = {}, prepare = () => undefined }: Options = {}) {
  const mirror = new FakeMirror();
  prepare(mirror);
  const machine = await Machine.start(t);
  await machine.registry.close();
  await machine.installVendor();
  const params = machine.params({ models: [{ name: NAME, warm: false, minGpuPercent: 0, ...wanted }] });
  const agent = startAgent(machine.host, undefined, mirror);
  t.teardown(() => agent.stop());
  agent.set([dropIn(params), service(params), listening(params), ...params.models.map((one) => model(params, one))]);
  const tags = async () =>
    ((await ask(`http://${machine.address}:${PORT}/api/tags`)) as { models: { name: string; digest: string }[] })
      .models;
  const listeners = async () => (await machine.host.net.listeners()).filter(({ address }) => address === "127.0.0.1");
  return { machine, mirror, agent, tags, listeners };
}

t.test("pulled by Ollama itself from a relay that is there for the pull alone", async (t) => {
  const { machine, mirror, agent, tags } = await world(t, { prepare: (one) => void offer(one, SPEC) });
  await agent.converged();
  t.ok((await tags()).some(({ name, digest }) => name === NAME && digest === mirror.items[0]?.sha256));
  while ((await tags()).length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
  t.match(await tags(), [{ name: NAME }], "the name of the pull is gone");
  t.same(
    readdirSync(join(machine.root, MODELS, "blobs")).filter((name) => name.includes("partial")),
    [],
  );
  t.equal(agent.runs(ID).length, 1);
  const asked = mirror.asked.length;
  for (let pass = 0; pass < 3; pass += 1) await agent.until(ID, "in-sync");
  t.equal(mirror.asked.length, asked, "nothing more is asked for");
});

t.test("by its digest, or not at all", async (t) => {
  const digest = createHash("sha256").update(publish(SPEC).manifest).digest("hex");
  const right = await world(t, { wanted: { digest }, prepare: (one) => void offer(one, SPEC) });
  await right.agent.converged();
  const other = await world(t, { wanted: { digest: "a".repeat(64) }, prepare: (one) => void offer(one, SPEC) });
  await other.agent.until(ID, ({ state }) => state === "failed");
  t.same(await other.tags(), []);
  t.same(other.mirror.asked, [], "another model than the pinned one is none");
});

t.test("without this machine's consent nothing is taken, and the line is named", async (t) => {
  const prepare = (mirror: FakeMirror) => {
    offer(mirror, SPEC);
    mirror.allowed = false;
  };
  const { mirror, agent, tags } = await world(t, { prepare });
  const blocked = await agent.until(ID, "policy.mirror");
  t.match(blocked, { state: "blocked", reason: /mistral:instruct is in the coordinator's mirror/ });
  t.same(mirror.asked, []);
  t.same(await tags(), []);
});

t.test("a coordinator that goes away in the middle, and whose answers are cut", async (t) => {
  const { mirror, agent, tags } = await world(t, {
    prepare: (one) => {
      offer(one, SPEC);
      one.cutAfter = 700_000;
    },
  });
  await agent.until(ID, () => mirror.asked.length > 4);
  mirror.away = true;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  mirror.away = false;
  await agent.converged(30_000);
  t.match(await tags(), [{ name: NAME }]);
  t.equal(agent.runs(ID).length, 1, "to Ollama it was a pause");
});

t.test("what a pull that was cut short left is taken away before the next", async (t) => {
  const { machine, agent, tags } = await world(t, { prepare: (one) => void offer(one, SPEC) });
  await agent.converged();
  const leftOver = `127.0.0.1:4242/fettle-${"a".repeat(32)}/mistral:instruct`;
  const somebodys = "127.0.0.1:4242/somebody/mistral:instruct";
  const api = `http://${machine.address}:${PORT}/api`;
  for (const destination of [leftOver, somebodys]) await ask(`${api}/copy`, "POST", { source: NAME, destination });
  t.ok((await tags()).some(({ name }) => name === leftOver));
  await ask(`${api}/delete`, "DELETE", { model: NAME });
  await agent.until(ID, () => agent.runs(ID).length === 2);
  await agent.converged();
  const wanted = [somebodys, NAME].join();
  while (
    (await tags())
      .map(({ name }) => name)
      .sort()
      .join() !== wanted
  )
    await new Promise((resolve) => setTimeout(resolve, 20));
});

t.test("a hostile mirror: another manifest, another blob, no manifest", async (t) => {
  const other: ModelSpec = { ...SPEC, name: "evil:latest", seed: "evil" };
  const sha256 = createHash("sha256").update(publish(SPEC).manifest).digest("hex");
  const cases: readonly { what: string; prepare: (mirror: FakeMirror) => void; code: RegExp }[] = [
    {
      what: "the manifest of another model",
      prepare: (mirror) => {
        offer(mirror, SPEC);
        mirror.put(publish(other).manifest, sha256);
      },
      code: /^mirror\.away$/,
    },
    {
      what: "a file with another content",
      prepare: (mirror) => {
        offer(mirror, SPEC);
        const [weights] = publish(SPEC).blobs.filter(({ size }) => size > 1_000_000);
        mirror.put(Buffer.alloc(weights?.size ?? 0, "evil"), weights?.digest.slice(7));
      },
      code: /^ollama\.model\./,
    },
    {
      what: "no manifest",
      prepare: (mirror) => mirror.items.push({ kind: "model", name: NAME, sha256: "a".repeat(64), size: 9 }),
      code: /^mirror\.away$/,
    },
  ];
  for (const { what, prepare, code } of cases) {
    const { agent, tags } = await world(t, { prepare: (mirror) => void prepare(mirror) });
    await agent.until(ID, ({ state }) => state === "failed", 60_000);
    t.match(agent.runs(ID)[0]?.code, code, what);
    t.same(await tags(), [], what);
  }
});

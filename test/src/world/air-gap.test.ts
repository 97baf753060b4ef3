import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { sha256Of, tarOf } from "../mirror/archives.ts";
import { NODES, type NodeName } from "../sandbox/layout.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { archiveEntries } from "../stand-ins/engine/images/archive.ts";
import { type ImageDefinition, imageIdOf } from "../stand-ins/engine/images/definition.ts";
import { installModel } from "../stand-ins/registry/install-model.ts";
import { HandCoordinator, heldBy } from "./hand-coordinator.ts";
import { startWorld } from "./world.ts";

const MODEL = "mistral:instruct";
const OLLAMA = "0.32.15";
const ARCH = process.arch === "arm64" ? "arm64" : "x64";
const world = await startWorld(t, { offline: true, takesMirror: true });
const { sandbox } = world;
const carried = join(sandbox.layout.folder, "carried");
mkdirSync(carried);

/** What `docker save` wrote on a connected machine, of the newest image for GitLab's version. */
async function savedImage({ layout }: Sandbox): Promise<{ path: string; reference: string; imageId: string }> {
  const all = JSON.parse(readFileSync(join(layout.folder, "gateway-1/images.json"), "utf8")) as ImageDefinition[];
  const definition = all.find(({ reference }) => reference.endsWith("v18.8.10-ee"));
  if (definition === undefined) throw new Error("there is no such image");
  const { reference } = definition;
  const path = join(carried, "gateway.tar");
  writeFileSync(path, await tarOf(archiveEntries(definition, [reference])));
  return { path, reference, imageId: imageIdOf(definition) };
}

const image = await savedImage(sandbox);

t.test("with nothing in the mirror it says what is missing, and does not end", async (t) => {
  await world.until("the gateway's image waits", 60_000, async () => {
    const { state, code } = await world.resource("gateway-1", "gateway.image");
    return state === "blocked" && code === "gateway.image.registry-unreachable";
  });
  await world.until("Ollama's archive cannot be had", 60_000, async () => {
    const runs = await world.runs("ollama-1");
    return runs.some(
      ({ resource, code }) => resource === "ollama.install" && code === "ollama.install.download-failed",
    );
  });
  for (const node of NODES) t.equal((await world.node(node)).connection, "connected");
});

t.test("with all of it in the mirror the stack gets in sync, nothing outside answering", async (t) => {
  const archive = join(
    sandbox.layout.folder,
    "releases",
    OLLAMA,
    `ollama-linux-${ARCH === "x64" ? "amd64" : ARCH}.tar.zst`,
  );
  const sum = sha256Of(readFileSync(archive));
  // The stand-in's archive is none of the vendor's: its sum is known to this sandbox's agents alone.
  const version = "0.32.15-rc1";
  await sandbox.fettle(["mirror", "add", "ollama", archive, "--version", version, "--arch", ARCH, "--sha256", sum]);
  const { path, reference, imageId } = image;
  const added = await sandbox.fettle([
    "mirror",
    "add",
    "gateway",
    path,
    "--reference",
    reference,
    "--image-id",
    imageId,
  ]);
  t.match(added, imageId);
  const models = join(carried, "models");
  installModel(models, { name: MODEL, bytes: 3_000_000, family: "llama", parameters: "7.2B", quantization: "Q4_0" });
  await sandbox.fettle(["mirror", "add", "model", MODEL, "--from", models]);
  t.match(await sandbox.fettle(["mirror", "list"]), MODEL);
  await world.inSync(150_000);
  t.match(await sandbox.fettle(["mirror", "check"]), "files are whole");
  const { resources } = { resources: await world.resources() };
  t.same(
    resources.filter(({ state }) => state !== "in-sync").map(({ id }) => id),
    [],
  );
});

t.test("without the mirror it stays so: nothing is asked of the world outside again", async () => {
  for (const [kind, name] of [
    ["gateway", image.reference],
    ["model", MODEL],
    ["ollama", `0.32.15-rc1-${ARCH}`],
  ] as const)
    await sandbox.fettle(["mirror", "remove", kind, name]);
  await sandbox.agents["gateway-1"].stop();
  sandbox.agents["gateway-1"].start();
  await world.inSync();
});

t.test("a machine whose policy says no takes nothing, whatever its coordinator says", async (t) => {
  for (const node of ["gateway-1", "ollama-1"] as const) {
    await sandbox.agents[node].stop();
    const path = join(sandbox.rootOf(node), "etc/fettle/agent.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replace("mirror: true", "mirror: false"), { mode: 0o600 });
    sandbox.agents[node].start();
  }
  await world.inSync();
  await sandbox.coordinator.stop();
  const coordinator = new HandCoordinator(sandbox);
  await coordinator.listen();
  t.teardown(() => coordinator.close());
  const connected = (node: NodeName) => world.until(`${node} took it`, 60_000, async () => coordinator.connected(node));
  for (const node of ["gateway-1", "ollama-1"] as const) await connected(node);
  const item = { sha256: "a".repeat(64), size: 9, imageId: "b".repeat(64) };
  const tell = async (node: NodeName, roles: object, kind: string, name: string) => {
    const agent = { ...heldBy(sandbox, node).agent, mirror: [{ kind, name, ...item }] };
    return await coordinator.desire(node, roles as never, { agent } as never);
  };
  const { ollama } = heldBy(sandbox, "ollama-1").roles as { ollama: { models: object[] } };
  const other = { ...ollama, models: [{ name: "llama3:8b", warm: false, minGpuPercent: 0 }] };
  await tell("ollama-1", { ollama: other }, "model", "llama3:8b");
  await coordinator.reported("ollama-1", "the model is not taken", ({ resources }) =>
    resources.some(({ id, code }) => id === "ollama.model[llama3:8b]" && code === "policy.mirror"),
  );
  const { gateway } = heldBy(sandbox, "gateway-1").roles as { gateway: object };
  const reference = image.reference.replace("v18.8.10", "v18.8.1");
  await tell("gateway-1", { gateway: { ...gateway, image: { kind: "exact", reference } } }, "gateway", reference);
  await coordinator.reported("gateway-1", "the image is not taken", ({ resources }) =>
    resources.some(({ id, code }) => id === "gateway.image" && code === "policy.mirror"),
  );
});

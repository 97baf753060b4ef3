import { join } from "node:path";
import { engineClient } from "@fettle/agent/clients/engine/engine.ts";
import { engineEvents } from "@fettle/agent/watch/engine-events.ts";
import { keepSource } from "@fettle/agent/watch/source.ts";
import t from "tap";
import { CONTRACT_IMAGE, contractDefinition } from "../../stand-ins/engine/contract-image.ts";
import { startEngine } from "../../stand-ins/engine/engine.ts";
import { makeBench } from "./bench.ts";

t.setTimeout(60_000);

t.test("the API's version is the newest that both know, also after another Engine came up", async (t) => {
  const bench = await makeBench(t);
  const client = engineClient(bench.host);
  t.match(await client.version(), { Arch: "amd64", Version: "28.5.2" });
  await bench.engine.close();
  await t.rejects(client.version(), { code: "ENOENT" });
  const socket = join(bench.root, "var/run/docker.sock");
  for (const release of [
    { apiVersion: "1.41", version: "20.10.24" },
    { apiVersion: "1.52", minApiVersion: "1.44", version: "29.0.0" },
  ]) {
    const engine = await startEngine({ socket, root: join(bench.root, "other"), images: [], release });
    t.match(await client.version(), { Version: release.version });
    t.same(await client.containers.list(), []);
    await engine.close();
    await client.version().catch(() => undefined);
  }
});

t.test("inside a container, its log, and what happens to it", async (t) => {
  const bench = await makeBench(t);
  bench.publish([contractDefinition]);
  const signal = AbortSignal.timeout(30_000);
  await bench.engine.close();
  const socket = join(bench.root, "var/run/docker.sock");
  const again = await startEngine({ socket, root: join(bench.root, "other"), images: [contractDefinition] });
  t.teardown(() => again.close());
  const client = engineClient(bench.host);
  const events: number[] = [];
  const stop = new AbortController();
  const kept = keepSource(engineEvents(bench.host), () => events.push(1), {
    clock: bench.host.clock,
    signal: stop.signal,
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const order = { Image: CONTRACT_IMAGE, Env: ["CONTRACT=set"], Labels: {}, ExposedPorts: {}, HostConfig: {} };
  const id = await client.containers.create("one", order);
  await client.containers.start(id);
  await client.containers.start(id);
  for (const end = performance.now() + 10_000; events.length < 2 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(events.length, 2, "created and started");
  const run = (argv: readonly string[]) => client.execute(id, argv, { deadlineMs: 10_000, signal });
  t.same(await run(["show", "CONTRACT"]), { code: 0, stdout: "set\n", stderr: "" });
  t.same(await run(["print", "a  b", "$HOME; ü"]), { code: 0, stdout: "a  b $HOME; ü\n", stderr: "" });
  t.match(await run(["fail"]), { code: 3, stdout: "failing\n" });
  t.match(await run(["nosuch"]), { code: 127 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(events.length, 2, "what runs inside is no event: it would call for the next look");
  const said = async (window = {}): Promise<string[]> => {
    const lines: string[] = [];
    for await (const { at, text } of client.logs(id, window, signal)) {
      t.match(at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      lines.push(text);
    }
    return lines.sort();
  };
  for (const end = performance.now() + 10_000; (await said()).length < 2 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(await said(), ["err set\n", "out set\n"]);
  t.same(await said({ since: new Date(Date.now() + 60_000).toISOString() }), []);
  again.faults.replace({ eventsCut: true });
  again.faults.replace({});
  for (const end = performance.now() + 10_000; events.length < 3 && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.ok(events.length >= 3, "what was missed while the stream was cut counts as an event");
  await client.containers.rename(id, "two");
  t.match(await client.containers.inspect("two"), { Id: id, Name: "/two" });
  t.equal(await client.containers.inspect("one"), null);
  await t.rejects(client.containers.create("two", order), { name: "EngineError", status: 409 });
  await client.containers.remove(id);
  await client.containers.remove(id);
  stop.abort();
  await kept;
});

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { pathsOf, readConfig } from "../config.ts";
import { readEnv } from "../env.ts";
import { type ConfigureOptions, configure } from "./configure.ts";

const INSIDE = [
  { network: "eth0", address: "203.0.113.5" },
  { network: "eth1", address: "10.0.0.5" },
  { network: "eth2", address: "192.168.1.5" },
];
const PUBLIC = INSIDE.slice(0, 1);

/** What is in the file before, what is asked, on which machine; what the file then says, or the refusal. */
const CASES: [string, string | null, Partial<ConfigureOptions>, typeof INSIDE, object | string][] = [
  [
    "no file: a private address, though a public one comes first",
    null,
    {},
    INSIDE,
    { listen: { api: "10.0.0.5:7443", agents: "10.0.0.5:7444" }, names: [] },
  ],
  [
    "a file that says nothing, as init writes it",
    "# nothing\n",
    {},
    INSIDE,
    { listen: { api: "10.0.0.5:7443", agents: "10.0.0.5:7444" } },
  ],
  [
    "the file's address stays, whatever the machine has",
    "listen: { api: '0.0.0.0:1', agents: '10.9.9.9:2' }",
    {},
    PUBLIC,
    { listen: { api: "0.0.0.0:1", agents: "10.9.9.9:2" } },
  ],
  [
    "another address keeps the ports",
    "listen: { api: '10.0.0.5:1', agents: '10.0.0.5:2' }",
    { listen: "192.168.1.5" },
    INSIDE,
    { listen: { api: "192.168.1.5:1", agents: "192.168.1.5:2" } },
  ],
  [
    "a public one when it is named, with names",
    null,
    { listen: "203.0.113.5", names: ["HQ.example", "198.51.100.1"] },
    INSIDE,
    { listen: { api: "203.0.113.5:7443" }, names: ["hq.example", "198.51.100.1"] },
  ],
  [
    "names are added to those there are",
    "names: [a.example]",
    { names: ["b.example", "a.example"] },
    INSIDE,
    { names: ["a.example", "b.example"] },
  ],
  ["what else is there stays", "logLevel: debug", {}, INSIDE, { logLevel: "debug" }],
  ["everything", null, { listen: "0.0.0.0" }, PUBLIC, { listen: { api: "0.0.0.0:7443" } }],
  ["IPv6", null, {}, [{ network: "e", address: "fd00::2" }], { listen: { api: "[fd00::2]:7443" } }],
  ["no private address", null, {}, PUBLIC, "coordinator.no-private-address"],
  ["an address of another machine", null, { listen: "10.0.0.6" }, INSIDE, "coordinator.not-own-address"],
  ["a name to listen on", null, { listen: "hq.example" }, INSIDE, "cli.usage"],
  ["a name that is none", null, { names: ["a b"] }, INSIDE, "cli.usage"],
  ["no YAML", "listen: [", {}, INSIDE, "coordinator.bad-config"],
  ["another YAML", "listen: 5", {}, INSIDE, "coordinator.bad-config"],
];

t.test("coordinator.yaml gets an address and names, and keeps the rest", async (t) => {
  for (const [name, before, asked, own, expected] of CASES) {
    const folder = await mkdtemp(join(tmpdir(), "fettle-configure-"));
    const path = join(folder, "coordinator.yaml");
    if (before !== null) await writeFile(path, before);
    const paths = pathsOf(readEnv({ FETTLE_CONFIG: folder }));
    const options = { names: [], dryRun: false, ...asked };
    if (typeof expected === "string") {
      await t.rejects(configure(paths, options, own), { code: expected }, name);
      t.same(await readdir(folder), before === null ? [] : ["coordinator.yaml"], `${name}: nothing written`);
    } else {
      const dry = await configure(paths, { ...options, dryRun: true }, own);
      t.equal(await readFile(path, "utf8").catch(() => null), before, `${name}: not written when only asked`);
      const done = await configure(paths, options, own);
      t.same(done, dry, name);
      if (done.changed) t.equal(await readFile(path, "utf8"), done.text, name);
      t.match(parse(done.text), expected, name);
      t.equal(readConfig(readEnv({ FETTLE_CONFIG: folder })).names.length, done.names.length, `${name}: it is read`);
      t.notOk((await configure(paths, options, own)).changed, `${name}: again changes nothing`);
    }
    await rm(folder, { recursive: true });
  }
});

t.test("the address that operators elsewhere use", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "fettle-configure-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const paths = pathsOf(readEnv({ FETTLE_CONFIG: folder }));
  const url = async (asked: Partial<ConfigureOptions>) =>
    (await configure(paths, { names: [], dryRun: true, ...asked }, INSIDE)).url;
  t.equal(await url({}), "https://10.0.0.5:7443");
  t.equal(await url({ listen: "0.0.0.0" }), "https://10.0.0.5:7443");
  t.equal(await url({ names: ["hq.example"] }), "https://hq.example:7443");
});

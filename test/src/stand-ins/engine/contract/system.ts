import type { ContractCase } from "../contract-kit.ts";

export const system: readonly ContractCase[] = [
  {
    name: "the ping says which API is spoken, by GET and by HEAD",
    run: async (t, kit) => {
      t.equal(String(await kit.docker.ping()), "OK");
      const head = await kit.http({ path: "/_ping", method: "HEAD" });
      t.equal(head.status, 200);
      t.match(head.headers["api-version"], /^1\.\d+$/);
      t.equal(head.text, "");
    },
  },
  {
    name: "version and info",
    run: async (t, kit) => {
      const version = await kit.docker.version();
      t.match(version, { Os: "linux", ApiVersion: /^1\.\d+$/, MinAPIVersion: /^1\.\d+$/, Version: /^\d+\./ });
      const info = await kit.docker.info();
      t.match(info, { OSType: "linux", ServerVersion: version.Version, Swarm: { LocalNodeState: "inactive" } });
      t.type(info.DockerRootDir, "string");
      t.type(info.LiveRestoreEnabled, "boolean");
    },
  },
  {
    name: "paths with a version: the Engine's own is served, a newer one refused",
    run: async (t, kit) => {
      const { ApiVersion } = await kit.docker.version();
      t.equal((await kit.http({ path: `/v${ApiVersion}/version` })).status, 200);
      const newer = await kit.http({ path: "/v1.999/version" });
      t.equal(newer.status, 400);
      t.match(newer.text, `client version 1.999 is too new. Maximum supported API version is ${ApiVersion}`);
      t.same(JSON.parse((await kit.http({ path: "/nope" })).text), { message: "page not found" });
    },
  },
  {
    name: "events of a life, in order, live and told again",
    run: async (t, kit) => {
      const since = Math.floor(Date.now() / 1000) - 1;
      const tape = await kit.events();
      const container = await kit.ready("one", { Labels: { "fettle.extra": "x" } });
      await container.stop({ t: 5 });
      await container.rename({ name: kit.name("two") });
      await container.remove();
      const actions = await tape.actions("destroy");
      t.same(actions, ["create", "start", "kill", "die", "stop", "rename", "destroy"]);
      t.match(tape.seen[3], {
        Type: "container",
        Actor: {
          ID: container.id,
          Attributes: { exitCode: "0", image: kit.image, name: kit.name("one"), "fettle.extra": "x" },
        },
      });
      t.match(tape.seen[5]?.Actor.Attributes, { oldName: `/${kit.name("one")}`, name: kit.name("two") });
      const filters = JSON.stringify({ type: ["container"], event: ["die", "start"], container: [container.id] });
      const until = Math.ceil(Date.now() / 1000) + 1;
      const again = await kit.http({
        path: `/events?since=${since}&until=${until}&filters=${encodeURIComponent(filters)}`,
      });
      const told = again.text
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { Action: string }).Action);
      t.same(told, ["start", "die"]);
    },
  },
  {
    name: "a filter that is none is refused",
    run: async (t, kit) => {
      const reply = await kit.http({ path: `/containers/json?filters=${encodeURIComponent('{"bogus":["x"]}')}` });
      t.equal(reply.status, 400);
      t.match(reply.text, /invalid filter 'bogus'/i);
    },
  },
];

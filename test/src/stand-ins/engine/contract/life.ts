import type { ContractCase } from "../contract-kit.ts";

export const life: readonly ContractCase[] = [
  {
    name: "a created container shows what was asked, what the image gave and the defaults",
    run: async (t, kit) => {
      const port = await kit.freePort();
      const container = await kit.create("one", {
        Env: ["CONTRACT=set", "OTHER=1"],
        Labels: { "fettle.spec": "hash" },
        HostConfig: {
          ...kit.published(port).HostConfig,
          Binds: ["/etc:/mnt:ro"],
          RestartPolicy: { Name: "unless-stopped" },
          SecurityOpt: ["no-new-privileges"],
          LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
        },
      });
      const seen = await container.inspect();
      t.match(seen, {
        Id: container.id,
        Name: `/${kit.name("one")}`,
        Created: /^\d{4}-\d\d-\d\dT.*Z$/,
        Path: "serve",
        Image: (await kit.docker.getImage(kit.image).inspect()).Id,
        RestartCount: 0,
        State: { Status: "created", Running: false, Pid: 0, ExitCode: 0, Error: "", OOMKilled: false },
        Config: {
          Image: kit.image,
          Cmd: ["serve"],
          ExposedPorts: { "8080/tcp": {} },
          Labels: { "fettle.spec": "hash", "fettle.contract": "image" },
        },
        HostConfig: {
          Binds: ["/etc:/mnt:ro"],
          PortBindings: { "8080/tcp": [{ HostIp: kit.target.address, HostPort: String(port) }] },
          RestartPolicy: { Name: "unless-stopped", MaximumRetryCount: 0 },
          SecurityOpt: ["no-new-privileges"],
          LogConfig: { Type: "json-file", Config: { "max-size": "10m" } },
          Privileged: false,
          AutoRemove: false,
          CapAdd: null,
          Devices: null,
          NetworkMode: /^(default|bridge)$/,
        },
        Mounts: [{ Type: "bind", Source: "/etc", Destination: "/mnt", RW: false }],
        NetworkSettings: { Ports: {} },
      });
      t.same(
        seen.Config.Env,
        ["CONTRACT=set", "OTHER=1", "PATH=/bin"],
        "its own, then the image's that it does not set",
      );
      t.match(seen.State.StartedAt, "0001-01-01T00:00:00Z");
    },
  },
  {
    name: "started: a process, an address, a port, a line in the list",
    run: async (t, kit) => {
      const port = await kit.freePort();
      const container = await kit.started("one", kit.published(port));
      const seen = await container.inspect();
      t.match(seen.State, { Status: "running", Running: true, Restarting: false, ExitCode: 0 });
      t.ok(seen.State.Pid > 0);
      t.ok(Date.parse(seen.State.StartedAt) > Date.now() - 60_000);
      t.match(seen.NetworkSettings.Ports, { "8080/tcp": [{ HostIp: kit.target.address, HostPort: String(port) }] });
      t.equal(await kit.fetched(port), "served\n");
      const [line] = await kit.docker.listContainers({ filters: { name: [kit.name("one")] } });
      t.match(line, {
        Id: container.id,
        Names: [`/${kit.name("one")}`],
        Image: kit.image,
        State: "running",
        Status: /^Up /,
        Ports: [{ IP: kit.target.address, PrivatePort: 8080, PublicPort: port, Type: "tcp" }],
      });
    },
  },
  {
    name: "the list: only what runs, unless all is asked for; by label, name and state",
    run: async (t, kit) => {
      const up = await kit.started("up", { Labels: { kind: `a${kit.mark}` } });
      const down = await kit.create("down", { Labels: { kind: `b${kit.mark}` } });
      const ids = async (all: boolean, filters: Record<string, string[]>): Promise<string[]> =>
        (await kit.docker.listContainers({ all, filters })).map(({ Id }) => Id);
      t.same(await ids(false, { name: [kit.mark] }), [up.id]);
      t.same(await ids(true, { name: [kit.mark] }), [down.id, up.id]);
      t.same(await ids(true, { name: [`^/${kit.name("up")}$`] }), [up.id]);
      t.same(await ids(true, { label: [`kind=b${kit.mark}`] }), [down.id]);
      t.same(await ids(true, { label: ["kind"], name: [kit.mark] }), [down.id, up.id]);
      t.same(await ids(true, { status: ["created"], name: [kit.mark] }), [down.id]);
    },
  },
  {
    name: "stopped: it ends on SIGTERM; waiting tells the exit code",
    run: async (t, kit) => {
      const container = await kit.ready("one", { HostConfig: { RestartPolicy: { Name: "unless-stopped" } } });
      const waited = container.wait();
      await container.stop({ t: 5 });
      t.match(await waited, { StatusCode: 0 });
      const { State, NetworkSettings } = await container.inspect();
      t.match(State, { Status: "exited", Running: false, Pid: 0, ExitCode: 0 });
      t.ok(Date.parse(State.FinishedAt) >= Date.parse(State.StartedAt));
      t.same(NetworkSettings.Ports, {});
      t.match(await container.wait(), { StatusCode: 0 }, "at once when it has ended");
    },
  },
  {
    name: "one that does not hear SIGTERM is killed when its time is over",
    run: async (t, kit) => {
      const tape = await kit.events({ event: ["kill", "die", "stop"] });
      const container = await kit.ready("one", { Cmd: ["stubborn"] });
      await container.stop({ t: 1 });
      t.match((await container.inspect()).State, { Status: "exited", ExitCode: 137, OOMKilled: false });
      await tape.actions("stop");
      const seen = tape.seen.map(({ Action, Actor }) => [Action, Actor.Attributes.signal ?? Actor.Attributes.exitCode]);
      t.same(seen, [
        ["kill", "15"],
        ["kill", "9"],
        ["die", "137"],
        ["stop", undefined],
      ]);
    },
  },
  {
    name: "restart and update",
    run: async (t, kit) => {
      const container = await kit.ready("one");
      const before = (await container.inspect()).State.Pid;
      const tape = await kit.events();
      await container.restart({ t: 5 });
      t.same(await tape.actions("restart"), ["kill", "die", "stop", "start", "restart"]);
      t.not((await container.inspect()).State.Pid, before);
      await container.update({ RestartPolicy: { Name: "always" } });
      t.match((await container.inspect()).HostConfig.RestartPolicy, { Name: "always" });
    },
  },
  {
    name: "removed by force, and by itself",
    run: async (t, kit) => {
      const forced = await kit.started("one");
      await forced.remove({ force: true });
      t.equal((await kit.refusal(forced.inspect())).status, 404);
      const own = await kit.create("two", { Cmd: ["fail"], HostConfig: { AutoRemove: true } });
      const removed = own.wait({ condition: "removed" });
      await own.start();
      t.match(await removed, { StatusCode: 3 });
      t.equal((await kit.refusal(own.inspect())).status, 404);
    },
  },
  {
    name: "a command that is not there: the start is refused, the container keeps why",
    run: async (t, kit) => {
      const container = await kit.create("one", { Cmd: ["nosuch"] });
      t.match(await kit.refusal(container.start()), {
        status: 400,
        message: /exec: "nosuch": executable file not found in \$PATH/,
      });
      t.match((await container.inspect()).State, {
        Status: "created",
        ExitCode: 127,
        Error: /executable file not found/,
      });
    },
  },
  {
    name: "a swap: the new one beside the old, unstarted; stop, rename, start, remove",
    run: async (t, kit) => {
      const port = await kit.freePort();
      const old = await kit.started("gateway", kit.published(port));
      await kit.fetched(port);
      const fresh = await kit.create("new", kit.published(port));
      await old.stop({ t: 5 });
      await old.rename({ name: kit.name("gateway-previous") });
      await fresh.rename({ name: kit.name("gateway") });
      await fresh.start();
      t.equal(await kit.fetched(port), "served\n");
      await old.remove();
      t.equal((await kit.docker.getContainer(kit.name("gateway")).inspect()).Id, fresh.id);
    },
  },
  {
    name: "paused: it keeps its process and its port, and goes on when it is told to or stopped",
    run: async (t, kit) => {
      const port = await kit.freePort();
      const container = await kit.ready("one", kit.published(port));
      const { Pid } = (await container.inspect()).State;
      t.match(await kit.refusal(container.unpause()), { status: /^(409|500)$/, message: /is not paused/ });
      const tape = await kit.events();
      await container.pause();
      t.match((await container.inspect()).State, { Status: "paused", Paused: true, Running: true, Pid });
      const [line] = await kit.docker.listContainers({ filters: { name: [kit.name("one")] } });
      t.match(line, { State: "paused", Status: /^Up .*\(Paused\)$/, Ports: [{ PublicPort: port }] });
      t.match(await kit.refusal(container.start()), { status: 409, message: /paused container, try unpause/ });
      t.match(await kit.refusal(container.exec({ Cmd: ["cat"] })), { status: 409, message: /is paused, unpause/ });
      await container.unpause();
      t.match((await container.inspect()).State, { Status: "running", Paused: false, Pid });
      t.match(await kit.fetched(port), /served/);
      await container.pause();
      await container.stop({ t: 5 });
      t.match((await container.inspect()).State, { Status: "exited", Paused: false, Pid: 0 });
      const actions = await tape.actions("die");
      t.same(actions.filter((one) => /pause/.test(one)).slice(0, 3), ["pause", "unpause", "pause"]);
    },
  },
];

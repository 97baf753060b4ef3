import { createServer } from "node:net";
import type { ContractCase } from "../contract-kit.ts";

export const ports: readonly ContractCase[] = [
  {
    name: "a port of another container: the start is refused, the container keeps why and can start later",
    run: async (t, kit) => {
      const port = await kit.freePort();
      const first = await kit.started("one", kit.published(port));
      const second = await kit.create("two", kit.published(port));
      const refusal = await kit.refusal(second.start());
      t.match(refusal, {
        status: 500,
        message: new RegExp(
          `driver failed programming external connectivity on endpoint ${kit.name("two")} \\([0-9a-f]+\\): Bind for ${kit.target.address}:${port} failed: port is already allocated`,
        ),
      });
      t.match((await second.inspect()).State, {
        Status: "created",
        Running: false,
        ExitCode: 128,
        Error: /port is already allocated/,
      });
      await first.stop({ t: 5 });
      await second.start();
      t.match((await second.inspect()).State, { Status: "running", Error: "", ExitCode: 0 });
    },
  },
  {
    name: "a port of a stranger",
    run: async (t, kit) => {
      const stranger = createServer();
      await new Promise<void>((resolve) => stranger.listen(0, kit.target.address, resolve));
      t.teardown(() => stranger.close());
      const address = stranger.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const container = await kit.create("one", kit.published(port));
      t.match(await kit.refusal(container.start()), {
        status: 500,
        message: /driver failed programming external connectivity .*: address already in use/,
      });
    },
  },
  {
    name: "an address that is not this machine's",
    run: async (t, kit) => {
      const bindings = { "8080/tcp": [{ HostIp: "192.0.2.77", HostPort: "18080" }] };
      const container = await kit.create("one", { HostConfig: { PortBindings: bindings } });
      t.match(await kit.refusal(container.start()), { status: 500, message: /cannot assign requested address/ });
    },
  },
  {
    name: "a port of the Engine's choice is told while it runs",
    run: async (t, kit) => {
      const bindings = { "8080/tcp": [{ HostIp: kit.target.address, HostPort: "" }] };
      const container = await kit.started("one", { HostConfig: { PortBindings: bindings } });
      const [binding] = (await container.inspect()).NetworkSettings.Ports["8080/tcp"] ?? [];
      t.match(binding, { HostIp: kit.target.address, HostPort: /^\d+$/ });
      t.equal(await kit.fetched(Number(binding?.HostPort)), "served\n");
    },
  },
];

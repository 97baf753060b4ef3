import type Docker from "dockerode";
import type { ContractCase } from "../contract-kit.ts";

const bad: { name: string; options: Docker.ContainerCreateOptions; status: number; message: RegExp }[] = [
  {
    name: "no such image",
    options: { Image: "fettle/nosuch:1" },
    status: 404,
    message: /No such image: fettle\/nosuch:1/,
  },
  {
    name: "a missing source of a mount",
    options: { HostConfig: { Mounts: [{ Type: "bind", Source: "/no/such/place", Target: "/m" }] } },
    status: 400,
    message: /invalid mount config for type "bind": bind source path does not exist: \/no\/such\/place/,
  },
  {
    name: "an unknown restart policy",
    options: { HostConfig: { RestartPolicy: { Name: "never" } } },
    status: 400,
    message: /invalid restart policy/,
  },
  {
    name: "a port that is no number",
    options: { HostConfig: { PortBindings: { "8080/tcp": [{ HostPort: "x" }] } } },
    status: 400,
    message: /invalid port specification: "x"/,
  },
];

export const refusals: readonly ContractCase[] = [
  ...bad.map(({ name, options, status, message }) => ({
    name: `create refuses ${name}`,
    run: async (t: Parameters<ContractCase["run"]>[0], kit: Parameters<ContractCase["run"]>[1]) => {
      t.match(await kit.refusal(kit.create("one", options)), { status, message });
    },
  })),
  {
    name: "names: one owner each, and only some characters",
    run: async (t, kit) => {
      const one = await kit.create("one");
      const taken = {
        status: 409,
        message: new RegExp(
          `Conflict. The container name "/${kit.name("one")}" is already in use by container "${one.id}"`,
        ),
      };
      t.match(await kit.refusal(kit.create("one")), taken);
      const odd = await kit.http({ method: "POST", path: "/containers/create?name=a%20b", body: { Image: kit.image } });
      t.match(odd, {
        status: 400,
        text: /Invalid container name \(a b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_.-\] are allowed/,
      });
      const two = await kit.create("two");
      t.match(await kit.refusal(two.rename({ name: kit.name("one") })), taken);
      t.match(await kit.refusal(two.rename({ name: kit.name("two") })), {
        status: 400,
        message: /same name as its current name/,
      });
      t.match(await kit.refusal(two.rename({ name: "" })), { status: 400, message: /may be empty/ });
    },
  },
  {
    name: "what is asked of a container that is not there",
    run: async (t, kit) => {
      const gone = kit.docker.getContainer(kit.name("gone"));
      const missing = { status: 404, message: `No such container: ${kit.name("gone")}` };
      const asked = [
        () => gone.inspect(),
        () => gone.start(),
        () => gone.stop(),
        () => gone.remove(),
        () => gone.logs({ stdout: true }),
        () => gone.restart(),
      ];
      for (const ask of asked) t.match(await kit.refusal(ask()), missing);
      t.match(await kit.refusal(kit.docker.getExec("nosuch").inspect()), {
        status: 404,
        message: /No such exec instance: nosuch/,
      });
    },
  },
  {
    name: "what is asked at the wrong time",
    run: async (t, kit) => {
      const container = await kit.create("one");
      t.match(await kit.refusal(container.kill()), { status: 409, message: /is not running/ });
      t.match(await kit.refusal(container.exec({ Cmd: ["print"] })), { status: 409, message: /is not running/ });
      t.equal((await kit.refusal(container.stop())).status, 304);
      await container.start();
      t.equal((await kit.refusal(container.start())).status, 304);
      t.match(await kit.refusal(container.remove()), { status: 409, message: /running/ });
      t.match(await kit.refusal(container.exec({ Cmd: [] })), { status: 400, message: "No exec command specified" });
      t.match(await kit.refusal(container.kill({ signal: "SIGNONE" })), {
        status: 400,
        message: /Invalid signal: SIGNONE/i,
      });
    },
  },
];

import type Docker from "dockerode";
import type { ContractCase } from "../contract-kit.ts";

const policy = (Name: string, MaximumRetryCount = 0): Docker.ContainerCreateOptions => ({
  HostConfig: { RestartPolicy: { Name, MaximumRetryCount } },
});

const ENDED_BY_SOMEONE = ["unless-stopped", "always"];

export const restarts: readonly ContractCase[] = [
  {
    name: "killed from outside it dies and comes back by its policy",
    run: async (t, kit) => {
      const container = await kit.started("one", policy("unless-stopped"));
      const tape = await kit.events();
      const { Pid } = (await container.inspect()).State;
      process.kill(Pid, "SIGKILL");
      t.same(await tape.actions("start"), ["die", "start"]);
      t.match(tape.seen[0]?.Actor.Attributes, { exitCode: "137" });
      const seen = await container.inspect();
      t.match(seen, { RestartCount: 1, State: { Status: "running", Running: true, ExitCode: 0 } });
      t.not(seen.State.Pid, Pid);
    },
  },
  {
    name: "without a policy it stays dead",
    run: async (t, kit) => {
      const container = await kit.started("one");
      const ended = container.wait();
      process.kill((await container.inspect()).State.Pid, "SIGKILL");
      t.match(await ended, { StatusCode: 137 });
      t.match(await container.inspect(), { RestartCount: 0, State: { Status: "exited", ExitCode: 137 } });
    },
  },
  ...ENDED_BY_SOMEONE.map((name) => ({
    name: `stopped or killed through the Engine it stays down: ${name}`,
    run: async (t: Parameters<ContractCase["run"]>[0], kit: Parameters<ContractCase["run"]>[1]) => {
      const container = await kit.ready("one", policy(name));
      await container.stop({ t: 2 });
      t.match(await container.inspect(), { RestartCount: 0, State: { Status: "exited" } });
      await container.start();
      await container.kill();
      const killed = await kit.until(
        () => container.inspect(),
        ({ State }) => !State.Running,
      );
      t.match(killed, { RestartCount: 0, State: { Status: "exited", ExitCode: 137 } });
    },
  })),
  {
    name: "on-failure tries as often as it may, then stays down",
    run: async (t, kit) => {
      const container = await kit.started("one", { Cmd: ["fail"], ...policy("on-failure", 2) });
      const seen = await kit.until(
        () => container.inspect(),
        ({ State }) => State.Status === "exited",
      );
      t.match(seen, { RestartCount: 2, State: { ExitCode: 3 } });
      t.match(await container.logs({ stdout: true }), /failing/);
    },
  },
  {
    name: "between two tries it is restarting, and can be stopped and removed",
    run: async (t, kit) => {
      const container = await kit.started("one", { Cmd: ["fail"], ...policy("always") });
      const seen = await kit.until(
        () => container.inspect(),
        ({ State }) => State.Status === "restarting",
      );
      t.match(seen.State, { Running: true, Restarting: true, ExitCode: 3 });
      await kit.until(
        () => container.inspect(),
        ({ RestartCount }) => RestartCount >= 2,
      );
      await container.stop();
      const { RestartCount } = await container.inspect();
      t.match((await container.inspect()).State, { Status: "exited", Restarting: false });
      t.equal((await container.inspect()).RestartCount, RestartCount);
      await container.remove();
    },
  },
];

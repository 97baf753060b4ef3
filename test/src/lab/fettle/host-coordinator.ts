import { Client } from "@fettle/coordinator/cli/client.ts";
import type { Answer, CallInput, RouteContract } from "@fettle/shared/api/route.ts";
import { inspect } from "../docker.ts";
import type { Host } from "../host.ts";
import { writeFile } from "../host-files.ts";
import { LabError } from "../lab-error.ts";
import { until } from "../until.ts";
import type { LabCoordinator } from "./coordinator.ts";

export const coordinatorUnit = "fettle-coordinator.service";
const stackFile = "/root/stack.yaml";

/** The coordinator on a host of its own, as its install script left it there. */
export class HostCoordinator implements LabCoordinator {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  async start(): Promise<void> {
    await this.#host.run(["systemctl", "start", coordinatorUnit]);
    await until("the coordinator to answer", 60_000, async () => {
      const health = ["curl", "-sS", "--fail", "--unix-socket", "/run/fettle/admin.sock", "http://fettle/healthz"];
      return (await this.#host.exec(health)).code === 0 || undefined;
    });
  }

  /** systemd starts it again, as after any death. */
  async kill(): Promise<void> {
    await this.#host.run(["systemctl", "kill", "--signal", "SIGKILL", coordinatorUnit]);
  }

  cli(args: string[], timeoutMs = 60_000): Promise<string> {
    return this.#host.run(["fettle", ...args], { timeoutMs });
  }

  async apply(stack: string): Promise<string> {
    await writeFile(this.#host, stackFile, stack);
    return this.cli(["apply", "-f", stackFile]);
  }

  /** By the socket that root of that host has; it is reached through the host's own root folder. */
  async call<C extends RouteContract>(contract: C, input: CallInput<C>): Promise<Answer<C>> {
    const pid = await inspect("container", this.#host.container, "{{.State.Pid}}");
    if (pid === undefined || pid === "0") throw new LabError("lab.host.down", `${this.#host.name} is down`);
    const path = `/proc/${pid}/root/run/fettle/admin.sock`;
    return new Client(() => ({ kind: "socket", path }), AbortSignal.timeout(10_000)).call(contract, input);
  }
}

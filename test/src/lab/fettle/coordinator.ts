import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@fettle/coordinator/cli/client.ts";
import type { Answer, CallInput, RouteContract } from "@fettle/shared/api/route.ts";
import { ask } from "../../sandbox/ask.ts";
import { isBackgroundRunning, killBackground, startBackground, stopBackground } from "../background.ts";
import { run } from "../command.ts";
import type { LabConfig } from "../config.ts";
import { contentOf } from "../host-tree.ts";
import { LabError } from "../lab-error.ts";
import { addressOf } from "../layout.ts";
import { until } from "../until.ts";

const processName = "coordinator";

/** The coordinator and its operator's command line, wherever it stands. */
export interface LabCoordinator {
  start(): Promise<void>;
  /** As a machine that loses its power. */
  kill(): Promise<void>;
  /** `fettle ARGS` on the coordinator's machine; what it printed. An exit code other than 0 is an error. */
  cli(args: string[], timeoutMs?: number): Promise<string>;
  apply(stack: string): Promise<string>;
  /** The operator's API. */
  call<C extends RouteContract>(contract: C, input: CallInput<C>): Promise<Answer<C>>;
}

/** A process of the machine itself on its address in the lab. */
export class Coordinator implements LabCoordinator {
  readonly #folder: string;
  readonly #program: string;
  readonly #env: Record<string, string>;

  constructor(config: LabConfig) {
    this.#folder = coordinatorFolder(config);
    this.#program = join(this.#folder, "program");
    const address = addressOf(config.subnet, "coordinator");
    this.#env = {
      FETTLE_DATA: join(this.#folder, "data"),
      FETTLE_CONFIG: join(this.#folder, "config"),
      FETTLE_RUN: join(this.#folder, "run"),
      FETTLE_LISTEN_API: `${address}:7443`,
      FETTLE_LISTEN_AGENTS: `${address}:7444`,
    };
  }

  /** Sees to it that one runs from this bundle. It runs from a copy: a program loads parts of itself while it runs. */
  async ensure(bundle: string): Promise<void> {
    const same = existsSync(this.#program) && contentOf(this.#program) === contentOf(bundle);
    if (same && this.isRunning()) return;
    await this.stop();
    rmSync(this.#program, { recursive: true, force: true });
    cpSync(bundle, this.#program, { recursive: true });
    if (!existsSync(join(this.#folder, "data/fettle.db"))) await this.cli(["coordinator", "init"]);
    await this.start();
  }

  isRunning(): boolean {
    return isBackgroundRunning(this.#folder, processName);
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    const { argv, env } = this.commandLine(["coordinator", "start"]);
    startBackground(this.#folder, processName, argv, env);
    await until(`the coordinator to answer (see ${this.#folder}/${processName}.log)`, 30_000, async () => {
      if (!this.isRunning())
        throw new LabError("lab.coordinator.ended", `it ended; see ${this.#folder}/${processName}.log`);
      const health = { socketPath: join(this.#folder, "run/admin.sock"), method: "GET", path: "/healthz" };
      const { status } = await ask(health).catch(() => ({ status: 0 }));
      return status === 200 ? true : undefined;
    });
  }

  async stop(): Promise<void> {
    await stopBackground(this.#folder, processName);
  }

  async kill(): Promise<void> {
    await killBackground(this.#folder, processName);
  }

  cli(args: string[], timeoutMs = 60_000): Promise<string> {
    const { argv, env } = this.commandLine(args);
    return run(argv, { env, timeoutMs });
  }

  apply(stack: string): Promise<string> {
    const path = join(this.#folder, "../stack.yaml");
    writeFileSync(path, stack);
    return this.cli(["apply", "-f", path]);
  }

  commandLine(args: string[]): { argv: string[]; env: Record<string, string> } {
    return { argv: [process.execPath, join(this.#program, "fettle.mjs"), ...args], env: this.#env };
  }

  call<C extends RouteContract>(contract: C, input: CallInput<C>): Promise<Answer<C>> {
    const path = join(this.#folder, "run/admin.sock");
    return new Client(() => ({ kind: "socket", path }), AbortSignal.timeout(10_000)).call(contract, input);
  }
}

export function coordinatorFolder(config: LabConfig): string {
  return join(config.folder, "coordinator");
}

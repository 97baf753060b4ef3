import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { pack } from "../stand-ins/ollama/pack.ts";
import { Child } from "./child.ts";
import {
  type Layout,
  NODES,
  type NodeName,
  newLayout,
  outsideHosts,
  REGISTRY_PORT,
  registryUrl,
  rootOf,
} from "./layout.ts";
import { endLeftovers } from "./leftovers.ts";
import { GITLAB_VERSION, writeMachines } from "./machine-files.ts";
import type { Programs } from "./programs.ts";
import { type StackOptions, stackText } from "./stack-text.ts";
import { until } from "./until.ts";

export interface SandboxOptions extends Partial<StackOptions> {
  readonly gitlabVersion?: string;
  readonly gitlabPollSeconds?: number;
  readonly layout?: Layout;
  /** Nothing of the world outside answers: no registry, no release. */
  readonly offline?: boolean;
  /** What `policy.mirror` of each machine's agent.yaml says. */
  readonly takesMirror?: boolean;
}

const OLLAMA_VERSION = "0.32.15";
const ROLES: Readonly<Record<NodeName, string>> = {
  "gitlab-1": "gitlab",
  "gateway-1": "gateway",
  "ollama-1": "ollama",
};
const run = promisify(execFile);

/**
 * A whole stack on this computer: a coordinator and, on each of three machines, a unit manager and an agent; every one
 * a process of its own, every port real on a loopback address of its machine.
 */
export class Sandbox {
  readonly layout: Layout;
  readonly #programs: Programs;
  readonly #options: SandboxOptions;
  readonly registry: Child;
  readonly coordinator: Child;
  readonly machines: Readonly<Record<NodeName, Child>>;
  readonly agents: Readonly<Record<NodeName, Child>>;

  constructor(programs: Programs, options: SandboxOptions = {}) {
    this.#programs = programs;
    this.#options = options;
    this.layout = options.layout ?? newLayout();
    this.registry = this.#child("registry", [programs.registry], {
      STAND_IN_LISTEN: `${this.layout.outside}:${REGISTRY_PORT}`,
      STAND_IN_CONTROL: join(this.layout.folder, "registry.sock"),
      STAND_IN_OPTIONS: join(this.layout.folder, "registry.json"),
    });
    this.coordinator = this.#child(
      "coordinator",
      [programs.coordinator, "coordinator", "start"],
      this.#coordinatorEnv(),
    );
    this.machines = perNode((node) => this.#machine(node));
    this.agents = perNode((node) => this.#child(`agent-${node}`, this.agentArgv().slice(1), this.agentEnv(node)));
  }

  /**
   * Starts everything, enrols the agents and applies the stack; the agents converge from there. `more` is laid over
   * an agent's environment, this time.
   */
  async start(more: Partial<Record<NodeName, Readonly<Record<string, string>>>> = {}): Promise<void> {
    await this.#prepare();
    if (this.#options.offline !== true) this.registry.start();
    for (const machine of Object.values(this.machines)) machine.start();
    await this.fettle(["coordinator", "init"]);
    this.coordinator.start();
    await this.#coordinatorReady();
    await this.#gitlabReady();
    await this.apply(stackText(this.layout, this.#stackOptions()));
    await Promise.all(NODES.map((node) => this.enrol(node)));
    for (const node of NODES) this.agents[node].start(more[node]);
  }

  async apply(text: string): Promise<string> {
    const path = join(this.layout.folder, "stack.yaml");
    writeFileSync(path, text);
    return this.fettle(["apply", "-f", path]);
  }

  /** The CLI, as an operator on the coordinator's machine. Rejects with its output when it does not end with 0. */
  async fettle(args: readonly string[], env: Readonly<Record<string, string>> = this.cliEnv()): Promise<string> {
    const { stdout } = await run(process.execPath, [this.#programs.coordinator, ...args], { env, maxBuffer: 64e6 });
    return stdout;
  }

  /** A coordinator on another machine: in a folder of that name, at an address of its own. Not started. */
  coordinatorAt(name: string, host: string): { readonly child: Child; readonly env: Record<string, string> } {
    const env = this.#coordinatorEnv(name, host);
    return { env, child: this.#child(name, [this.#programs.coordinator, "coordinator", "start"], env) };
  }

  /** `fettle-agent` on one of the machines. */
  async fettleAgent(
    node: NodeName,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const all = { ...this.agentEnv(node), ...env };
    const { stdout } = await run(process.execPath, [this.#programs.agent, ...args], { env: all, maxBuffer: 64e6 });
    return stdout;
  }

  cliEnv(): Record<string, string> {
    return this.#coordinatorEnv();
  }

  /** The agent itself, on whichever machine. */
  agentArgv(): readonly string[] {
    return [process.execPath, this.#programs.agent, "run"];
  }

  agentEnv(node: NodeName): Record<string, string> {
    return {
      PATH: process.env.PATH ?? "",
      FETTLE_SANDBOX_MACHINE: join(this.layout.folder, node, "sandbox.json"),
      FETTLE_LOG_LEVEL: "info",
    };
  }

  rootOf(node: NodeName): string {
    return rootOf(this.layout, node);
  }

  /** Ends every process and removes the folder: nothing is left behind. */
  async stop(): Promise<void> {
    const children = [...Object.values(this.agents), this.coordinator, this.registry];
    await Promise.all(children.map((child) => child.stop()));
    await Promise.all(Object.values(this.machines).map((machine) => machine.stop()));
    endLeftovers(this.layout.folder);
    rmSync(this.layout.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #stackOptions(): StackOptions {
    const { contention = "on", drain = "10m", mode = "enforce" } = this.#options;
    return { contention, drain, mode };
  }

  async #prepare(): Promise<void> {
    const releases = join(this.layout.folder, "releases");
    const settings = {
      STAND_IN_REGISTRY: registryUrl(this.layout),
      STAND_IN_CONTROL: join(this.layout.folder, "ollama-1/ollama.sock"),
    };
    const folder = join(releases, OLLAMA_VERSION);
    mkdirSync(folder, { recursive: true });
    const arch = process.arch === "arm64" ? "arm64" : "amd64";
    const { sha256 } = await pack({ folder, version: OLLAMA_VERSION, node: process.execPath, settings, arch });
    writeFileSync(join(this.layout.folder, "registry.json"), JSON.stringify({ releases }));
    writeMachines(this.layout, this.#programs, {
      gitlabVersion: this.#options.gitlabVersion ?? GITLAB_VERSION,
      gitlabPollSeconds: this.#options.gitlabPollSeconds ?? 5,
      ollamaSha256: sha256,
      ollamaVersion: OLLAMA_VERSION,
      takesMirror: this.#options.takesMirror ?? false,
    });
  }

  /** With a token of its own, as its administrator does it. */
  async enrol(node: NodeName): Promise<void> {
    const answer = await this.fettle(["token", "create", "--node", node, "--role", ROLES[node], "--json"]);
    const { token } = JSON.parse(answer) as { token: string };
    await this.fettleAgent(node, ["enrol"], { FETTLE_TOKEN: token });
  }

  async #coordinatorReady(): Promise<void> {
    await until(
      "the coordinator answers",
      20_000,
      async () => (await this.fettle(["token", "list"])) !== undefined,
      this.coordinator,
    );
  }

  /** The stand-in's CA is there once it listens; both other machines get it, as an operator would copy it. */
  async #gitlabReady(): Promise<void> {
    const path = join(this.rootOf("gitlab-1"), "etc/gitlab/trusted-certs/ca.crt");
    const ca = await until("GitLab is up", 20_000, async () => readFileSync(path, "utf8"), this.machines["gitlab-1"]);
    const trusted = join(this.rootOf("gateway-1"), "usr/local/share/ca-certificates");
    mkdirSync(trusted, { recursive: true });
    writeFileSync(join(trusted, "gitlab.crt"), ca);
  }

  #machine(node: NodeName): Child {
    const folder = join(this.layout.folder, node);
    const socket = join(folder, "units.sock");
    mkdirSync(folder, { recursive: true });
    const machine = {
      root: rootOf(this.layout, node),
      address: this.layout.addresses[node],
      socket,
      hosts: outsideHosts(this.layout),
    };
    writeFileSync(join(folder, "sandbox.json"), JSON.stringify(machine));
    const args = ["--root", machine.root, "--socket", socket, "--environment", join(folder, "machine.json")];
    return this.#child(`machine-${node}`, [this.#programs.machine, ...args], {});
  }

  #coordinatorEnv(name = "coordinator", host = this.layout.outside): Record<string, string> {
    const folder = join(this.layout.folder, name);
    return {
      PATH: process.env.PATH ?? "",
      FETTLE_DATA: join(folder, "data"),
      FETTLE_CONFIG: join(folder, "config"),
      FETTLE_RUN: join(folder, "run"),
      FETTLE_LISTEN_API: `${host}:7443`,
      FETTLE_LISTEN_AGENTS: `${host}:7444`,
    };
  }

  #child(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
    const log = join(this.layout.folder, "logs", `${name}.log`);
    return new Child({ name, argv: [process.execPath, ...args], env: { PATH: process.env.PATH ?? "", ...env }, log });
  }
}

function perNode(make: (node: NodeName) => Child): Record<NodeName, Child> {
  return Object.fromEntries(NODES.map((node) => [node, make(node)])) as Record<NodeName, Child>;
}

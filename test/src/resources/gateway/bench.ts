import { randomInt } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeClients } from "@fettle/agent/clients/clients.ts";
import type { Containers } from "@fettle/agent/clients/engine/containers.ts";
import type { MirrorClient } from "@fettle/agent/clients/mirror.ts";
import { gatewayPlaybook } from "@fettle/agent/playbooks/gateway.ts";
import { newPass } from "@fettle/agent/reconcile/pass.ts";
import type { Resource, ResourceContext, Verdict } from "@fettle/agent/resources/resource.ts";
import { Secrets } from "@fettle/agent/secrets.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import { must } from "@fettle/shared/lib/must.ts";
import type { Change, Progress } from "@fettle/shared/protocol/resource-report.ts";
import { GATEWAY_REPOSITORY, type GatewayParams, gatewayParams } from "@fettle/shared/roles/gateway.ts";
import Docker from "dockerode";
import type { Test } from "tap";
import { makeSandboxHost } from "../../sandbox/host/sandbox-host.ts";
import { setFaults } from "../../stand-ins/control.ts";
import { type Engine, startEngine } from "../../stand-ins/engine/engine.ts";
import type { ImageDefinition } from "../../stand-ins/engine/images/definition.ts";
import type { GatewayFaults } from "../../stand-ins/gateway/faults.ts";
import { type Registry, startRegistry } from "../../stand-ins/registry/start-registry.ts";
import { BenchClock } from "./bench-clock.ts";

const GATEWAY_PROGRAM = join(import.meta.dirname, "../../stand-ins/gateway/main.ts");

export interface Bench {
  readonly host: Host;
  readonly root: string;
  readonly address: string;
  readonly clock: BenchClock;
  readonly secrets: Secrets;
  readonly engine: Engine;
  readonly registry: Registry;
  /** What another client of the same Engine does. */
  readonly docker: Docker;
  /** What was said on terminals. */
  readonly log: string[];
  readonly progress: Progress[];
  approved: boolean;
  /** Of the resource that is looked at; null for none. */
  gateOpen: boolean | null;
  /** The agent dies just before its so many-th change of a container; null when it lives. */
  diesAt: number | null;
  readonly params: GatewayParams;
  declare(change: Partial<GatewayParams>): void;
  /** Publishes another list of images. */
  publish(images: readonly ImageDefinition[]): void;
  look(id: string): Promise<Verdict>;
  /** One apply, whatever the look said. */
  apply(id: string, signal?: AbortSignal): Promise<void>;
  /** An apply in whose middle the agent dies, and does not come back. False when it came to its end before. */
  applyAndDie(id: string, at: number): Promise<boolean>;
  /** Looks, applies a drift, looks until it is in sync or cannot be for now. */
  repair(id: string): Promise<Verdict>;
  /** All kinds but docker, in order, once. */
  converge(): Promise<void>;
  facts(): Readonly<Record<string, string>>;
  kept(id: string): Map<string, string>;
  gatewayFaults(faults: Partial<GatewayFaults>): Promise<void>;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string | null;
}

/** The image as the stand-in runs it: its program binds the published address itself. */
export function gatewayImage(
  version: string,
  bench: { address: string; control: string },
  more: Partial<ImageDefinition> = {},
): ImageDefinition {
  return {
    reference: `${GATEWAY_REPOSITORY}:self-hosted-v${version}-ee`,
    layers: [600_000, 1_200_000, 300_000],
    env: { AIGW_CUSTOM_MODELS__ENABLED: "true", ENABLE_DUO_WORKFLOW_SERVICE: "true", BAKED: version },
    cmd: [process.execPath, GATEWAY_PROGRAM],
    exposedPorts: {
      "5052/tcp": { hostEnv: "AIGW_FASTAPI__API_HOST", portEnv: "AIGW_FASTAPI__API_PORT" },
      "50052/tcp": { hostEnv: "STAND_IN_DWS_HOST", portEnv: "STAND_IN_DWS_PORT" },
    },
    architecture: "amd64",
    user: "aigateway",
    ...more,
    processEnv: { STAND_IN_CONTROL: bench.control, ...more.processEnv },
  };
}

export interface BenchOptions {
  readonly params?: Partial<GatewayParams>;
  readonly versions?: readonly string[];
  /** Of the image definition. */
  readonly image?: Partial<ImageDefinition>;
  readonly mirror?: MirrorClient;
}

export const ID = {
  keys: "gateway.keys",
  image: "gateway.image",
  container: "gateway.container",
  ready: "gateway.ready",
  auth: "gateway.auth",
  reachable: "gateway.gitlab-reachable",
  previous: "gateway.previous",
} as const;

export async function makeBench(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "fettle-gw-"));
  const root = join(folder, "root");
  const address = `127.${randomInt(64, 120)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
  const control = join(folder, "gateway.sock");
  const socket = join(root, "var/run/docker.sock");
  mkdirSync(dirname(socket), { recursive: true });
  const versions = options.versions ?? ["17.9.2", "18.8.1", "18.8.10", "19.5.1"];
  const definitions = (all: readonly string[]) =>
    all.map((one) => gatewayImage(one, { address, control }, options.image));
  const images = join(folder, "images.json");
  writeFileSync(images, JSON.stringify(definitions(versions)));
  const registry = await startRegistry();
  const engine = await startEngine({ socket, root: join(root, "var/lib/docker"), images, hostRoot: root });
  engine.faults.replace({ architecture: "amd64" });
  const clock = new BenchClock();
  const hosts = { "registry.gitlab.com": registry.url };
  const host: Host = { ...makeSandboxHost({ root, address, socket: join(folder, "units.sock"), hosts }), clock };
  t.teardown(async () => {
    await engine.close();
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const parts = { host, root, address, clock, engine, registry, control, images, mirror: options.mirror };
  return new GatewayBench(parts, {
    address,
    image: { kind: "auto", track: "18.8" },
    auth: "jwt",
    platform: false,
    gitlabUrl: "https://127.0.0.1:1",
    drainMs: 600_000,
    probes: [],
    ...options.params,
  });
}

type Parts = Pick<Bench, "host" | "root" | "address" | "clock" | "engine" | "registry"> & {
  readonly control: string;
  readonly images: string;
  readonly mirror?: MirrorClient | undefined;
};

class GatewayBench implements Bench {
  readonly host;
  readonly root;
  readonly address;
  readonly clock;
  readonly engine;
  readonly registry;
  readonly docker;
  readonly secrets = new Secrets();
  readonly log: string[] = [];
  readonly progress: Progress[] = [];
  approved = false;
  gateOpen: boolean | null = null;
  diesAt: number | null = null;
  #died: () => void = () => undefined;
  params: GatewayParams;
  readonly #parts: Parts;
  readonly #kept = new Map<string, Map<string, string>>();
  readonly #facts: Record<string, string> = {};
  readonly #clients;
  #resources: readonly Resource[];

  constructor(parts: Parts, params: GatewayParams) {
    this.#parts = parts;
    ({ host: this.host, root: this.root, address: this.address, clock: this.clock } = parts);
    ({ engine: this.engine, registry: this.registry } = parts);
    this.docker = new Docker({ socketPath: join(parts.root, "var/run/docker.sock") });
    const clients = makeClients(parts.host, parts.mirror);
    const containers = this.#mortal(clients.engine.containers);
    this.#clients = { ...clients, engine: { ...clients.engine, containers } };
    this.params = gatewayParams.parse(params);
    this.#resources = this.#playbook();
  }

  #playbook(): readonly Resource[] {
    return gatewayPlaybook(this.params, (secret) => this.secrets.add(secret));
  }

  declare(change: Partial<GatewayParams>): void {
    this.params = gatewayParams.parse({ ...this.params, ...change });
    this.#resources = this.#playbook();
  }

  publish(images: readonly ImageDefinition[]): void {
    writeFileSync(this.#parts.images, JSON.stringify(images));
  }

  async look(id: string): Promise<Verdict> {
    const resource = this.#found(id);
    const observed = await resource.observe(this.#context(id), AbortSignal.timeout(30_000));
    Object.assign(this.#facts, resource.facts?.(observed));
    return resource.diff(observed);
  }

  async apply(
    id: string,
    signal: AbortSignal = AbortSignal.timeout(60_000),
    changes: readonly Change[] = [],
  ): Promise<void> {
    const reporter = {
      progress: (now: Progress) => this.progress.push(now),
      log: (text: string) => this.log.push(text),
    };
    await must(this.#found(id).apply, id)(this.#context(id), changes, signal, reporter);
  }

  async applyAndDie(id: string, at: number): Promise<boolean> {
    const died = new Promise<boolean>((resolve) => {
      this.#died = () => resolve(true);
    });
    this.diesAt = at;
    const ended = await Promise.race([died, this.apply(id).then(() => false)]);
    this.diesAt = null;
    return ended;
  }

  /** What the dead agent had under way stays where it is for ever. */
  #mortal(containers: Containers): Containers {
    const changing = ["create", "start", "stop", "rename", "remove"] as const;
    const wrapped = changing.map((name) => {
      const act = async (...args: never[]): Promise<unknown> => {
        if (this.diesAt !== null) this.diesAt -= 1;
        if (this.diesAt === 0) {
          this.#died();
          return new Promise(() => undefined);
        }
        return (containers[name] as (...given: never[]) => Promise<unknown>)(...args);
      };
      return [name, act] as const;
    });
    return { ...containers, ...Object.fromEntries(wrapped) };
  }

  async repair(id: string): Promise<Verdict> {
    const before = await this.look(id);
    if (before.kind !== "drift") return before;
    await this.apply(id, AbortSignal.timeout(60_000), before.changes);
    for (const end = performance.now() + 15_000; ; ) {
      const verdict = await this.look(id);
      const passing = verdict.kind === "unknown" || verdict.kind === "waiting" || verdict.kind === "drift";
      if (!passing || performance.now() > end) return verdict;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async converge(): Promise<void> {
    for (const id of [ID.keys, ID.image, ID.container, ID.ready, ID.auth]) {
      for (const end = performance.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        const verdict = await this.repair(id);
        if (verdict.kind === "in-sync") break;
        if (performance.now() > end || verdict.kind === "blocked") throw new Error(`${id}: ${JSON.stringify(verdict)}`);
      }
    }
  }

  facts(): Readonly<Record<string, string>> {
    return this.#facts;
  }

  kept(id: string): Map<string, string> {
    const known = this.#kept.get(id) ?? new Map<string, string>();
    this.#kept.set(id, known);
    return known;
  }

  gatewayFaults(faults: Partial<GatewayFaults>): Promise<void> {
    return setFaults(this.#parts.control, faults);
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
    chmodSync(join(this.root, path), mode);
  }

  read(path: string): string | null {
    return existsSync(join(this.root, path)) ? readFileSync(join(this.root, path), "utf8") : null;
  }

  #found(id: string): Resource {
    return must(
      this.#resources.find((one) => one.id === id),
      id,
    );
  }

  #context(id: string): ResourceContext {
    const kept = this.kept(id);
    return {
      host: this.host,
      clients: this.#clients,
      pass: newPass("test"),
      kept: {
        get: (key) => kept.get(key) ?? null,
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      },
      approved: this.approved,
      ...(this.gateOpen !== null && { gate: { resource: id, fact: "answers", open: this.gateOpen, stuck: false } }),
    };
  }
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Clients, makeClients } from "@fettle/agent/clients/clients.ts";
import { gitlabPlaybook } from "@fettle/agent/playbooks/gitlab.ts";
import { newPass } from "@fettle/agent/reconcile/pass.ts";
import type { Pass, Resource, ResourceContext, Verdict } from "@fettle/agent/resources/resource.ts";
import { Secrets } from "@fettle/agent/secrets.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { type GitlabParams, gitlabParams } from "@fettle/shared/roles/gitlab.ts";
import type { Test } from "tap";
import { makeSandboxHost } from "../../sandbox/host/sandbox-host.ts";
import { ADMIN, control, gitlab, type Running } from "../../stand-ins/gitlab/kit.ts";
import type { GitlabOptions } from "../../stand-ins/gitlab/start-gitlab.ts";

export const CA = "/etc/gitlab/trusted-certs/ca.crt";
export const TOKEN_FILE = "/etc/fettle/gitlab-token";
export const KEPT_TOKEN = "/var/lib/fettle-agent/secrets/gitlab-token.json";
export const GATEWAY = "http://10.0.0.20:5052";
export const MISTRAL = {
  key: "mistral",
  displayName: "Mistral on Tokyo",
  family: "MISTRAL",
  endpoint: "http://10.0.0.27:11434/v1",
  identifier: "custom_openai/mistral:instruct",
} as const;

/** What was asked of GitLab, by name. */
interface Asked {
  readonly total: number;
  readonly writes: number;
  readonly queries: Record<string, number>;
  readonly mutations: Record<string, number>;
  readonly rest: Record<string, number>;
}

export interface BenchOptions {
  readonly gitlab?: Partial<GitlabOptions>;
  readonly params?: Partial<GitlabParams>;
}

/** A GitLab stand-in and a machine that is a folder. `ahead` is how far the clocks of both are ahead, in ms. */
interface Ground {
  readonly gitlab: Running;
  readonly root: string;
  readonly host: Host;
  readonly machine: { ahead: number; freeBytes: number };
}

export async function makeBench(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const machine = { ahead: 0, freeBytes: 8e9 };
  const now = () => Date.now() + machine.ahead;
  const running = await gitlab(t, { now, ...options.gitlab });
  const root = mkdtempSync(join(tmpdir(), "fettle-gitlab-host-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const sandbox = makeSandboxHost({ root, address: "127.0.0.1", socket: join(root, "units.sock") });
  const load = async () => ({ load1: 0, memoryTotalBytes: 16e9, memoryAvailableBytes: machine.freeBytes });
  const host = { ...sandbox, clock: { ...sandbox.clock, now }, metrics: { ...sandbox.metrics, load } };
  const bench = new Bench({ gitlab: running, root, host, machine }, options.params ?? {});
  bench.write(CA, running.ca, 0o644);
  bench.write(TOKEN_FILE, `${ADMIN}\n`);
  installRails(bench);
  return bench;
}

/** The role's resources on that machine, with what is kept of them. */
export class Bench {
  readonly gitlab: Running;
  readonly host: Host;
  readonly root: string;
  readonly machine: Ground["machine"];
  readonly secrets = new Secrets();
  /** What was said on terminals and as progress, and what failed while converging. */
  readonly log: string[] = [];
  approved = false;
  gate: { open: boolean; stuck: boolean } | null = { open: true, stuck: false };
  params: GitlabParams;
  #resources: Resource[];
  readonly #clients: Clients;
  readonly #kept = new Map<string, Map<string, string>>();
  readonly #seen = new Map<string, Verdict>();
  readonly #facts: Record<string, string> = {};

  constructor({ gitlab, host, root, machine }: Ground, params: Partial<GitlabParams>) {
    this.gitlab = gitlab;
    this.host = host;
    this.root = root;
    this.machine = machine;
    this.#clients = makeClients(host);
    this.params = gitlabParams.parse({ ...defaults(gitlab.url), ...params });
    this.#resources = this.#playbook();
  }

  /** Other parameters; what is kept stays. */
  declare(change: Partial<GitlabParams>): void {
    this.params = gitlabParams.parse({ ...this.params, ...change });
    this.#resources = this.#playbook();
  }

  /** One look at one resource, which must end within `ms`. */
  look(id: string, ms = 20_000): Promise<Verdict> {
    return this.#look(this.#find(id), ms);
  }

  /** Looks, and repairs when what it comes after is in sync; the verdict after it. Throws what the apply throws. */
  async repair(id: string): Promise<Verdict> {
    const resource = this.#find(id);
    const before = await this.#look(resource, 20_000);
    const held = resource.after.some((one) => (this.#seen.get(one)?.kind ?? "in-sync") !== "in-sync");
    if (before.kind !== "drift" || held) return before;
    const apply = must(resource.apply, id);
    const reporter = {
      progress: ({ text }: { text: string }) => void this.log.push(text),
      log: (text: string) => void this.log.push(text),
    };
    await apply.call(resource, this.#context(resource), before.changes, AbortSignal.timeout(30_000), reporter);
    return this.#look(resource, 20_000);
  }

  /** Every resource again and again until nothing changes; the verdicts by id. */
  async converge(): Promise<Map<string, Verdict>> {
    for (let round = 0; round < 6; round += 1) {
      const before = JSON.stringify([...this.#seen]);
      for (const { id } of this.#resources)
        await this.repair(id).catch((error: unknown) => this.log.push(`${id}: ${String(error)}`));
      if (JSON.stringify([...this.#seen]) === before) break;
    }
    return new Map(this.#seen);
  }

  /** One look at every resource but the answers in one pass, all at once; the kinds of verdict by id. */
  async pass(): Promise<Map<string, string>> {
    const pass = newPass("test");
    const looks = this.#resources
      .filter(({ id }) => !id.startsWith("gitlab.answers"))
      .map(async (one) => {
        const observed = await one.observe(this.#context(one, pass), AbortSignal.timeout(20_000));
        return [one.id, one.diff(observed).kind] as const;
      });
    return new Map(await Promise.all(looks));
  }

  facts(): Readonly<Record<string, string>> {
    return this.#facts;
  }

  kept(id: string): Map<string, string> {
    const kept = this.#kept.get(id) ?? new Map<string, string>();
    this.#kept.set(id, kept);
    return kept;
  }

  write(path: string, text: string, mode = 0o600): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  state(patch: object): Promise<unknown> {
    return control(this.gitlab, "PUT", "/state", patch);
  }

  faults(faults: object): Promise<unknown> {
    return control(this.gitlab, "PUT", "/faults", faults);
  }

  async requests(): Promise<Asked> {
    return (await control(this.gitlab, "GET", "/requests")) as unknown as Asked;
  }

  forgetRequests(): Promise<unknown> {
    return control(this.gitlab, "DELETE", "/requests");
  }

  /** The machine's size is no matter of these tests. */
  #playbook(): Resource[] {
    const options = { pollMs: 1_000, remember: (secret: string) => this.secrets.add(secret) };
    return gitlabPlaybook(this.params, options).filter(({ id }) => id !== "gitlab.host");
  }

  #find(id: string): Resource {
    return must(
      this.#resources.find((one) => one.id === id),
      id,
    );
  }

  async #look(resource: Resource, ms: number): Promise<Verdict> {
    const observed = await resource.observe(this.#context(resource), AbortSignal.timeout(ms));
    Object.assign(this.#facts, resource.facts?.(observed));
    const verdict = resource.diff(observed);
    this.#seen.set(resource.id, verdict);
    return verdict;
  }

  #context({ id }: Resource, pass: Pass = newPass("test")): ResourceContext {
    const kept = this.kept(id);
    return {
      host: this.host,
      clients: this.#clients,
      pass,
      kept: {
        get: (key) => kept.get(key) ?? null,
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      },
      approved: this.approved,
      enforced: true,
      ...(this.gate && { gate: { resource: id, fact: "gateway-1/gateway.ready", ...this.gate } }),
    };
  }
}

function defaults(url: string): GitlabParams {
  return {
    address: "127.0.0.1",
    url,
    ca: CA,
    token: { kind: "file", path: TOKEN_FILE },
    seats: ["root"],
    gatewayUrl: GATEWAY,
    allowOutbound: true,
    models: [MISTRAL],
    features: [],
    probes: [],
  };
}

/** `gitlab-rails` of the stand-in as a program of the machine. */
function installRails(bench: Bench): void {
  const rails = join(import.meta.dirname, "../../stand-ins/gitlab/rails.ts");
  const script = [
    "#!/bin/sh",
    `export STAND_IN_CONTROL='${bench.gitlab.control}' STAND_IN_ROOT='${bench.root}' STAND_IN_RAILS_MS=1`,
    `exec '${process.execPath}' '${rails}' "$@"`,
    "",
  ].join("\n");
  bench.write("/usr/bin/gitlab-rails", script, 0o755);
}

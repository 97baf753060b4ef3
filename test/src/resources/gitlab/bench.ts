import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeClients } from "@fettle/agent/clients/clients.ts";
import { gitlabPlaybook } from "@fettle/agent/playbooks/gitlab.ts";
import { newPass } from "@fettle/agent/reconcile/pass.ts";
import type { Resource, ResourceContext, Verdict } from "@fettle/agent/resources/resource.ts";
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

/** A GitLab stand-in, a machine that is a folder, and the role's resources on it. */
export interface Bench {
  readonly gitlab: Running;
  readonly host: Host;
  readonly root: string;
  readonly secrets: Secrets;
  /** What was said on terminals and as progress. */
  readonly log: string[];
  readonly params: GitlabParams;
  /** Ms that the clocks of the machine and of GitLab are ahead. */
  ahead: number;
  freeBytes: number;
  approved: boolean;
  gate: { open: boolean; stuck: boolean } | null;
  /** Other parameters; what is kept stays. */
  declare(change: Partial<GitlabParams>): void;
  /** One look at one resource. */
  look(id: string): Promise<Verdict>;
  /** Looks, and repairs when what it comes after is in sync; the verdict after it. Throws what the apply throws. */
  repair(id: string): Promise<Verdict>;
  /** Every resource again and again until nothing changes; the verdicts by id. */
  converge(): Promise<Map<string, Verdict>>;
  /** One look at every resource but the answers in one pass, all at once; the kinds of verdict by id. */
  pass(): Promise<Map<string, string>>;
  facts(): Readonly<Record<string, string>>;
  kept(id: string): ReadonlyMap<string, string>;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  state(patch: object): Promise<unknown>;
  faults(faults: object): Promise<unknown>;
  requests(): Promise<Asked>;
  forgetRequests(): Promise<unknown>;
}

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

export async function makeBench(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const clock = { ahead: 0 };
  const now = () => Date.now() + clock.ahead;
  const running = await gitlab(t, { now, ...options.gitlab });
  const root = mkdtempSync(join(tmpdir(), "fettle-gitlab-host-"));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const machine = makeSandboxHost({ root, address: "127.0.0.1", socket: join(root, "units.sock") });
  const memory = { free: 8e9 };
  const host: Host = {
    ...machine,
    clock: { ...machine.clock, now },
    metrics: {
      ...machine.metrics,
      load: async () => ({ load1: 0, memoryTotalBytes: 16e9, memoryAvailableBytes: memory.free }),
    },
  };
  const clients = makeClients(host);
  const secrets = new Secrets();
  const log: string[] = [];
  const store = new Map<string, Map<string, string>>();
  const facts: Record<string, string> = {};
  const seen = new Map<string, Verdict>();
  let params = gitlabParams.parse({
    address: "127.0.0.1",
    url: running.url,
    ca: CA,
    token: { kind: "file", path: TOKEN_FILE },
    seats: ["root"],
    gatewayUrl: GATEWAY,
    allowOutbound: true,
    models: [MISTRAL],
    features: [],
    probes: [],
    ...options.params,
  });
  const playbook = () => gitlabPlaybook(params, { pollMs: 1_000, remember: (secret) => secrets.add(secret) });
  let resources = playbook();
  const keptOf = (id: string): Map<string, string> => {
    const known = store.get(id) ?? new Map<string, string>();
    store.set(id, known);
    return known;
  };
  const context = (resource: Resource, pass = newPass("test")): ResourceContext => {
    const kept = keptOf(resource.id);
    const gate = bench.gate;
    return {
      host,
      clients,
      pass,
      kept: {
        get: (key) => kept.get(key) ?? null,
        set: (key, value) => void kept.set(key, value),
        delete: (key) => void kept.delete(key),
      },
      approved: bench.approved,
      enforced: true,
      ...(gate === null ? {} : { gate: { resource: resource.id, fact: "gateway-1/gateway.ready", ...gate } }),
    };
  };
  const found = (id: string): Resource =>
    must(
      resources.find((one) => one.id === id),
      id,
    );
  const look = async (resource: Resource): Promise<Verdict> => {
    const observed = await resource.observe(context(resource), AbortSignal.timeout(20_000));
    Object.assign(facts, resource.facts?.(observed));
    const verdict = resource.diff(observed);
    seen.set(resource.id, verdict);
    return verdict;
  };
  const repair = async (resource: Resource): Promise<Verdict> => {
    const before = await look(resource);
    const held = resource.after.find((id) => seen.has(id) && seen.get(id)?.kind !== "in-sync");
    if (before.kind !== "drift" || held !== undefined) return before;
    await must(resource.apply, resource.id).call(
      resource,
      context(resource),
      before.changes,
      AbortSignal.timeout(30_000),
      { progress: ({ text }) => log.push(text), log: (text) => log.push(text) },
    );
    return look(resource);
  };
  const bench: Bench = {
    gitlab: running,
    host,
    root,
    secrets,
    log,
    get params() {
      return params;
    },
    get ahead() {
      return clock.ahead;
    },
    set ahead(ms) {
      clock.ahead = ms;
    },
    get freeBytes() {
      return memory.free;
    },
    set freeBytes(bytes) {
      memory.free = bytes;
    },
    approved: false,
    gate: { open: true, stuck: false },
    declare(change) {
      params = gitlabParams.parse({ ...params, ...change });
      resources = playbook();
    },
    look: (id) => look(found(id)),
    repair: (id) => repair(found(id)),
    async converge() {
      const listed = () => JSON.stringify([...seen]);
      for (let round = 0; round < 6; round += 1) {
        const before = listed();
        for (const resource of resources)
          if (!resource.id.endsWith(".host"))
            await repair(resource).catch((error: unknown) => log.push(`${resource.id}: ${String(error)}`));
        if (listed() === before) break;
      }
      return new Map(seen);
    },
    async pass() {
      const pass = newPass("test");
      const some = resources.filter(({ id }) => !id.endsWith(".host") && !id.startsWith("gitlab.answers"));
      const kinds = some.map(async (one) => {
        const observed = await one.observe(context(one, pass), AbortSignal.timeout(20_000));
        return [one.id, one.diff(observed).kind] as const;
      });
      return new Map(await Promise.all(kinds));
    },
    facts: () => facts,
    kept: (id) => keptOf(id),
    write(path, text, mode = 0o600) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text, { mode });
    },
    read: (path) => readFileSync(join(root, path), "utf8"),
    state: (patch) => control(running, "PUT", "/state", patch),
    faults: (faults) => control(running, "PUT", "/faults", faults),
    requests: async () => (await control(running, "GET", "/requests")) as unknown as Asked,
    forgetRequests: () => control(running, "DELETE", "/requests"),
  };
  bench.write(CA, running.ca, 0o644);
  bench.write(TOKEN_FILE, `${ADMIN}\n`);
  installRails(bench);
  return bench;
}

/** `gitlab-rails` of the stand-in as a program of the machine. */
export function installRails({ root, gitlab: { control: socket } }: Pick<Bench, "root" | "gitlab">): void {
  const rails = join(import.meta.dirname, "../../stand-ins/gitlab/rails.ts");
  const script = [
    "#!/bin/sh",
    `export STAND_IN_CONTROL='${socket}' STAND_IN_ROOT='${root}' STAND_IN_RAILS_MS=1`,
    `exec '${process.execPath}' '${rails}' "$@"`,
    "",
  ].join("\n");
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  writeFileSync(join(root, "usr/bin/gitlab-rails"), script, { mode: 0o755 });
}

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cli } from "@fettle/agent/cli.ts";
import { readEnv } from "@fettle/agent/env.ts";
import type { Files } from "@fettle/agent/system/files.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { HttpRequest, HttpResponse } from "@fettle/agent/system/http.ts";
import type { Test } from "tap";
import { rootedFiles } from "../sandbox/host/rooted-files.ts";

const UNIT = "etc/systemd/system/fettle-agent.service";
const DATA = "var/lib/fettle-agent";

/** A whole installation, and what the products have beside it: path -> text; `-> TARGET` is a link. */
const INSTALLED: Readonly<Record<string, string>> = {
  "opt/fettle-agent/0.1.0/bin/node": "node",
  "opt/fettle-agent/0.1.0/lib/fettle-agent.mjs": "program",
  "opt/fettle-agent/current": "-> 0.1.0",
  "usr/local/bin/fettle-agent": "-> /opt/fettle-agent/current/bin/fettle-agent",
  [UNIT]: "[Service]\n",
  "etc/systemd/system/fettle-agent-guard.service": "[Service]\n",
  "etc/systemd/system/fettle-agent.service.d/override.conf": "[Service]\n",
  "etc/systemd/system/multi-user.target.wants/fettle-agent.service": "-> /etc/systemd/system/fettle-agent.service",
  "etc/systemd/system/multi-user.target.wants/other.service": "-> /etc/systemd/system/other.service",
  "etc/fettle/agent.yaml": 'coordinators: ["10.0.0.5:7444"]\n',
  "etc/fettle/.agent.yaml.fettle-new": "half",
  [`${DATA}/identity/key.pem`]: "not a key",
  [`${DATA}/journal.db`]: "journal",
  "run/fettle-agent/local.sock": "",
  "root/fettle-install.sh": "#!/bin/sh\n# Installs Fettle's agent on this machine and takes it into a stack.\n",
  "home/ubuntu/fettle-install.sh": "#!/bin/sh\n# Installs Fettle's agent on this machine and takes it into a stack.\n",
  "home/someone/fettle-install.sh": "something else",
  "run/systemd/transient/fettle-ollama-unpack.service": "[Service]\n",
};

export const OLLAMA: Readonly<Record<string, string>> = {
  "etc/systemd/system/ollama.service.d/zz-fettle.conf": "[Service]\n",
  "etc/systemd/system/ollama.service": "# Made by Fettle. Settings\n",
  "usr/local/lib/fettle-ollama/0.32.15-1/bin/ollama": "ollama",
};

export const GATEWAY: Readonly<Record<string, string>> = {
  [`${DATA}/secrets/gateway-aigw-signing.pem`]: "key one",
  [`${DATA}/secrets/gateway-aigw-validation.pem`]: "key two",
};

const HASH = "a".repeat(64);
const desired = (roles: object) =>
  JSON.stringify({
    epoch: 1,
    generation: 1,
    hash: HASH,
    roles,
    gates: [],
    policy: { mode: "enforce", pauses: [], contention: null },
    retry: {},
    approvals: [],
  });

export const GITLAB: Readonly<Record<string, string>> = {
  [`${DATA}/secrets/gitlab-token.json`]: JSON.stringify({ from: "mint:root", token: "glpat-made-by-fettle" }),
  [`${DATA}/desired.json`]: desired({ gitlab: { url: "https://gitlab.example.com" } }),
};

export interface FakeContainer {
  readonly name: string;
  state: "running" | "exited" | "gone";
  restart?: string;
}

/** A machine that is a folder; units, Engine and GitLab are remembered in fields. */
export class Machine {
  readonly root: string;
  /** Unit name -> active. */
  readonly units = new Map<string, string>();
  readonly containers: FakeContainer[] = [];
  token: "good" | "revoked" = "good";
  gitlabAway = false;
  /** The running agent's resources at work; one look less each time. null: no agent answers. */
  working: string[][] | null = null;
  readonly said: string[] = [];
  /** Throws at the removal with this number, as a disk or a `kill -9` would end it there. */
  failAt = Number.POSITIVE_INFINITY;
  #removals = 0;
  #now = 0;

  constructor(t: Test, ...parts: ReadonlyArray<Readonly<Record<string, string>>>) {
    this.root = mkdtempSync(join(tmpdir(), "fettle-uninstall-"));
    t.teardown(() => rmSync(this.root, { recursive: true, force: true }));
    mkdirSync(join(this.root, "etc"), { recursive: true });
    for (const part of parts) this.lay(part);
  }

  static installed(t: Test, ...parts: ReadonlyArray<Readonly<Record<string, string>>>): Machine {
    const machine = new Machine(t, INSTALLED, ...parts);
    machine.units.set("fettle-agent.service", "active");
    machine.units.set("fettle-ollama-unpack.service", "failed");
    return machine;
  }

  lay(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      const full = join(this.root, path);
      mkdirSync(dirname(full), { recursive: true });
      if (text.startsWith("-> ")) symlinkSync(text.slice(3), full);
      else writeFileSync(full, text, { mode: 0o600 });
    }
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  /** Every file and link below the root, links by name only. */
  files(): string[] {
    const entries = readdirSync(this.root, { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => !entry.isDirectory());
    return found.map((entry) => join(entry.parentPath, entry.name).slice(this.root.length + 1)).sort();
  }

  async uninstall(...flags: string[]): Promise<{ code: number; out: string; error: string }> {
    return this.run(["uninstall", ...flags]);
  }

  async run(args: string[], ownUid = 0): Promise<{ code: number; out: string; error: string }> {
    const said = { out: "", error: "" };
    const io = {
      out: (text: string) => {
        said.out += text;
      },
      error: (text: string) => {
        said.error += text;
      },
      readStdin: async () => null,
      confirm: async () => null,
      holdOn: () => {},
    };
    const code = await cli(args, { env: readEnv({}), host: this.#host(), ownUid, io });
    return { code, ...said };
  }

  #host(): Host {
    const files = rootedFiles((path) => join(this.root, path));
    return {
      files: { ...files, ...this.#removing(files) },
      clock: {
        now: () => 1_800_000_000_000 + this.#now,
        mono: () => this.#now,
        sleep: async (ms: number) => {
          this.#now += ms;
        },
        random: () => 0,
      },
      units: {
        available: async () => true,
        show: async (unit: string) => ({ active: this.units.get(unit) ?? "inactive", sub: "running" }),
        stop: async (unit: string) => {
          this.units.set(unit, "inactive");
          rmSync(join(this.root, "run/systemd/transient", unit), { force: true });
          if (unit === "fettle-agent.service") this.working = null;
        },
        start: async (unit: string) => void this.units.set(unit, "active"),
        resetFailed: async () => {},
        daemonReload: async () => void this.said.push("daemon-reload"),
      },
      localSocket: { call: async (_socket: string, { path }: { path: string }) => this.#agent(path) },
      http: { request: async (request: HttpRequest) => this.#answer(request) },
    } as unknown as Host;
  }

  #removing(files: Files): Partial<Files> {
    const counted = async (path: string, remove: (path: string) => Promise<void>) => {
      this.#removals += 1;
      if (this.#removals === this.failAt) throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
      await remove(path);
    };
    return {
      remove: (path) => counted(path, files.remove),
      removeTree: (path) => counted(path, files.removeTree),
    };
  }

  #agent(path: string): { status: number; body: unknown } {
    if (this.working === null) throw Object.assign(new Error("ECONNREFUSED"), { code: "ECONNREFUSED" });
    this.said.push(path);
    if (path !== "/v1/status") return { status: 200, body: { done: true } };
    const now = this.working.length > 1 ? this.working.shift() : this.working[0];
    return { status: 200, body: { report: { resources: (now ?? []).map((id) => ({ id, state: "repairing" })) } } };
  }

  #answer({ url, socketPath, method = "GET", body }: HttpRequest): HttpResponse {
    if (socketPath !== undefined) return this.#engine(method, new URL(url).pathname, String(body ?? ""));
    if (this.gitlabAway) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    this.said.push(`${method} ${url}`);
    if (this.token === "revoked") return json(401, { error: "invalid_token", error_description: "Token was revoked." });
    if (method === "DELETE") {
      this.token = "revoked";
      return { status: 204, headers: {}, text: "" };
    }
    return json(200, { id: 7, scopes: ["api"], active: true, created_at: "2026-11-01T00:00:00Z" });
  }

  #engine(method: string, path: string, body: string): HttpResponse {
    if (this.containers.length === 0) throw Object.assign(new Error("connect ENOENT"), { code: "ENOENT" });
    if (path === "/_ping") return { status: 200, headers: { "api-version": "1.47" }, text: "OK" };
    const named = this.containers.find(({ name }) => path.split("/").includes(name));
    if (named !== undefined && method === "DELETE") named.state = "gone";
    if (named !== undefined && path.endsWith("/update")) named.restart = JSON.parse(body).RestartPolicy.Name;
    const there = this.containers.filter(({ state }) => state !== "gone");
    const list = there.map(({ name, state }) => ({
      Id: name,
      Names: [`/${name}`],
      Image: "image",
      State: state,
      Labels: { "dev.fettle.role": "gateway" },
    }));
    return json(200, method === "GET" ? list : {});
  }
}

function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, text: JSON.stringify(value) };
}

import { createHash, randomBytes, randomInt } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Host } from "@fettle/agent/system/host.ts";
import type { OllamaParams } from "@fettle/shared/roles/ollama.ts";
import { makeSandboxHost } from "../../sandbox/host/sandbox-host.ts";
import { Manager } from "../../sandbox/machine/manager.ts";
import { UnitServer } from "../../sandbox/machine/server.ts";
import { writeUserPrograms } from "../../sandbox/user-programs.ts";
import { setFaults } from "../../stand-ins/control.ts";
import type { OllamaFaults } from "../../stand-ins/ollama/faults.ts";
import { install, pack } from "../../stand-ins/ollama/pack.ts";
import { installModel } from "../../stand-ins/registry/install-model.ts";
import type { ModelSpec } from "../../stand-ins/registry/models.ts";
import { type Registry, startRegistry } from "../../stand-ins/registry/start-registry.ts";
import { ask } from "./ask.ts";

export const PORT = 11434;
/** Where the vendor's unit has it before Fettle: 127.0.0.1 belongs to everybody here. */
const VENDOR_PORT = 11435;

/** As the vendor's installer writes it, at an address of this machine. */
export const vendorUnit = (address: string) => `[Unit]
Description=Ollama Service
After=network-online.target

[Service]
ExecStart=/usr/local/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=0.3
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Environment="OLLAMA_HOST=${address}:${VENDOR_PORT}"

[Install]
WantedBy=default.target
`;
/** So that an archive does not come in one piece. */
const FILLER_BYTES = 1_000_000;
const UNIT = "/etc/systemd/system/ollama.service";
export const DROP_INS = `${UNIT}.d`;

/** Version -> the vendor's program unpacked, once for all machines of this process. */
const vendorFolders = new Map<string, Promise<string>>();

function vendorFolder(version: string): Promise<string> {
  const known = vendorFolders.get(version);
  if (known) return known;
  const folder = mkdtempSync(join(tmpdir(), "ftv-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const made = install(folder, { version, node: process.execPath }).then(() => folder);
  vendorFolders.set(version, made);
  return made;
}

interface Tested {
  teardown(end: () => Promise<void> | void): void;
}

/** A VM for Ollama: a folder, an address of its own, real processes, and a registry in the world outside. */
export class Machine {
  readonly root: string;
  readonly address: string;
  readonly host: Host;
  readonly registry: Registry;
  readonly manager: Manager;
  readonly #folder: string;

  private constructor(folder: string, address: string, registry: Registry, host: Host, manager: Manager) {
    this.#folder = folder;
    this.root = join(folder, "root");
    this.address = address;
    this.registry = registry;
    this.host = host;
    this.manager = manager;
  }

  static async start(t: Tested): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "fto-"));
    const root = join(folder, "root");
    const address = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(2, 250)}`;
    for (const path of ["etc/systemd/system", "run", "usr/local/bin", "usr/local/lib", "var/lib"])
      mkdirSync(join(root, path), { recursive: true });
    writeUserPrograms(root);
    writeFileSync(join(root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    const registry = await startRegistry({ releases: join(folder, "releases") });
    const environment = {
      STAND_IN_NODE: process.execPath,
      STAND_IN_REGISTRY: registry.url,
      STAND_IN_CONTROL: join(folder, "control.sock"),
    };
    const manager = new Manager({ root, environment, onChange: (unit) => server.changed(unit) });
    const server: UnitServer = new UnitServer(manager);
    const socket = join(folder, "units.sock");
    await server.listen(socket);
    const hosts = { "registry.ollama.ai": registry.url, "hf.co": registry.url };
    const machine = new Machine(folder, address, registry, makeSandboxHost({ root, address, socket, hosts }), manager);
    t.teardown(async () => {
      await manager.shutdown();
      server.close();
      await registry.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return machine;
  }

  /** As the vendor's installer leaves it, not started. */
  async installVendor(version = "0.32.15", unit = vendorUnit(this.address)): Promise<void> {
    cpSync(await vendorFolder(version), join(this.root, "usr/local"), { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(this.root, "usr/share/ollama"), { recursive: true });
    writeFileSync(join(this.root, "etc/passwd"), "ollama:x:998:998::/usr/share/ollama:/bin/false\n", { flag: "a" });
    this.write(UNIT, unit);
  }

  /** A release in the registry's world: where its archive is and what it sums to. */
  async release(version: string): Promise<{ url: string; sha256: string }> {
    const settings = { FILLER: randomBytes(FILLER_BYTES).toString("base64") };
    const { archive, sha256 } = await pack({
      settings,
      folder: join(this.#folder, "releases", version),
      version,
      node: process.execPath,
    });
    const name = archive.slice(archive.lastIndexOf("/") + 1);
    return { url: `${this.registry.url}/releases/download/v${version}/${name}`, sha256 };
  }

  /** What is no archive, offered as one with its right sum. */
  spoiledRelease(version: string, bytes: Buffer): { url: string; sha256: string } {
    const folder = join(this.#folder, "releases", version);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "spoiled.tar.zst"), bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { url: `${this.registry.url}/releases/download/v${version}/spoiled.tar.zst`, sha256 };
  }

  installModel(spec: ModelSpec): void {
    installModel(join(this.root, "usr/share/ollama/.ollama/models"), spec);
  }

  ollama(faults: Partial<OllamaFaults>): Promise<void> {
    return setFaults(join(this.#folder, "control.sock"), faults);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true });
  }

  params(more: Partial<OllamaParams> = {}): OllamaParams {
    return {
      address: this.address,
      listen: { host: this.address, port: PORT },
      version: "any",
      env: {},
      drainMs: 1_000,
      models: [],
      probes: [],
      ...more,
    };
  }

  /** The running server's pid; 0 for none. */
  get pid(): number {
    return this.manager.show("ollama.service").mainPid;
  }

  /** Resolves when the server answers where it was told to listen. */
  async answers(): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const { OLLAMA_HOST = "127.0.0.1:1" } = (await this.host.proc.environ(this.pid)) ?? {};
      const answer = await ask(`http://${OLLAMA_HOST}/api/version`).catch(() => null);
      if (answer) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("it does not answer");
  }

  async version(): Promise<string | null> {
    const answer = await ask(`http://${this.address}:${PORT}/api/version`).catch(() => null);
    return (answer as { version: string } | null)?.version ?? null;
  }
}

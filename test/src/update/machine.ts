import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realArchives } from "@fettle/agent/system/real/archives.ts";
import { realExec } from "@fettle/agent/system/real/exec.ts";
import { realFiles } from "@fettle/agent/system/real/files.ts";
import { ABSENT } from "@fettle/agent/system/real/systemd/show.ts";
import type { UnitState, Units } from "@fettle/agent/system/units.ts";
import { AGENT_UNIT, GUARD_UNIT } from "@fettle/agent/update/layout.ts";
import type { UpdateRecord } from "@fettle/agent/update/record.ts";
import type { UpdaterParts } from "@fettle/agent/update/updater.ts";
import type { Test } from "tap";
import { rootedFiles } from "../sandbox/host/rooted-files.ts";

export const RUNS: UnitState = { ...ABSENT, load: "loaded", active: "active", sub: "running", mainPid: 7 };

/**
 * A machine with the agent's version 0.1.0 installed: real files below a folder, the real program that unpacks, and
 * units that only remember what was asked. Its clock goes a hundred times as fast.
 */
export class UpdateMachine {
  readonly root: string;
  readonly layout = { programs: "/opt/fettle-agent", units: "/etc/systemd/system", data: "/var/lib/fettle-agent" };
  readonly asked: string[] = [];
  agent: UnitState = RUNS;
  /** Lines of the agent's journal. */
  journal: readonly string[] = [];
  bootId = "boot-1";
  freeBytes = 1e12;
  /** What a start of the guard does; a test may put something else here. */
  onGuard: () => Promise<void>;
  onRestart: () => Promise<void> = async () => undefined;
  failWrites: string | null = null;

  constructor(t: Test) {
    this.root = mkdtempSync(join(tmpdir(), "fettle-update-"));
    t.teardown(() => rmSync(this.root, { recursive: true, force: true }));
    for (const path of ["opt/fettle-agent/0.1.0/bin", "etc/systemd/system", "var/lib/fettle-agent"])
      mkdirSync(join(this.root, path), { recursive: true });
    writeFileSync(join(this.root, "etc/systemd/system", AGENT_UNIT), "# 0.1.0\n");
    this.onGuard = async () => {
      const { startedAt } = this.record() as UpdateRecord;
      writeFileSync(join(this.root, "var/lib/fettle-agent/update.watched"), String(startedAt));
    };
  }

  record(): UpdateRecord | null {
    const text = this.read("/var/lib/fettle-agent/update.json");
    return text === null ? null : (JSON.parse(text) as UpdateRecord);
  }

  read(path: string): string | null {
    try {
      return readFileSync(join(this.root, path), "utf8");
    } catch {
      return null;
    }
  }

  readonly host: UpdaterParts["host"] = {
    files: this.#files(),
    archives: {
      ...realArchives,
      unpackCommand: (archive, into) => realArchives.unpackCommand(this.#at(archive), this.#at(into)),
    },
    exec: {
      find: realExec.find,
      run: async (argv, options) => {
        // The test need not be root's: owners stay as they are.
        if (argv[0] === "chown" || argv[0] === "chmod") return { code: 0, timedOut: false, stdout: "", stderr: "" };
        const { uid: _, gid: __, ...rest } = options;
        if (argv[0] === "cp") return await realExec.run(["cp", ...argv.slice(2).map((path) => this.#at(path))], rest);
        const [program = "", ...args] = argv;
        return await realExec.run([program === process.execPath ? program : this.#at(program), ...args], rest);
      },
    },
    units: this.#units(),
    clock: {
      now: () => START + Math.floor((performance.now() - this.#begun) * SPEED),
      mono: () => (performance.now() - this.#begun) * SPEED,
      random: () => 0.5,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const timer = setTimeout(resolve, Math.min(ms / SPEED, 2 ** 30));
          signal?.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    },
    metrics: {
      facts: async () => ({ bootId: this.bootId }) as never,
      load: async () => ({}) as never,
      disks: async () => [],
    },
  };
  readonly #begun = performance.now();

  #at(path: string): string {
    return join(this.root, path);
  }

  #files() {
    const files = rootedFiles((path) => join(this.root, path));
    return {
      ...files,
      writeAtomic: async (path: string, ...rest: [never, never]) => {
        if (this.failWrites !== null && path.includes(this.failWrites))
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        await files.writeAtomic(path, ...rest);
      },
      space: async (path: string) => ({ ...(await realFiles.space(this.#at(path))), freeBytes: this.freeBytes }),
    };
  }

  #units(): Units {
    const asked = this.asked;
    return {
      available: async () => true,
      show: async (unit) => (unit === AGENT_UNIT ? this.agent : RUNS),
      start: async (unit) => {
        asked.push(`start ${unit}`);
        if (unit === GUARD_UNIT) await this.onGuard();
      },
      stop: async (unit) => void asked.push(`stop ${unit}`),
      restart: async (unit) => {
        asked.push(`restart ${unit}`);
        await this.onRestart();
      },
      enable: async () => undefined,
      daemonReload: async () => void asked.push("daemon-reload"),
      runTransient: async () => undefined,
      resetFailed: async () => undefined,
      journal: async () => this.journal,
    };
  }
}

const START = 1_700_000_000_000;
const SPEED = 100;

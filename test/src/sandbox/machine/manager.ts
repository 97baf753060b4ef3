import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TransientUnit, UnitError, type UnitState } from "@fettle/agent/system/units.ts";
import { type MachineOptions, Unit } from "./unit.ts";
import type { UnitFile } from "./unit-file.ts";

/** The sandbox's systemd: units below a root, each a real process. */
export class Manager {
  readonly #options: MachineOptions;
  readonly #units = new Map<string, Unit>();

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Starts what is enabled, as a boot does. */
  async boot(): Promise<void> {
    for (const name of this.#enabled()) await this.#unit(name).start();
  }

  show(name: string): UnitState {
    return this.#unit(name).state();
  }

  start(name: string): Promise<void> {
    return this.#unit(name).start();
  }

  async stop(name: string): Promise<void> {
    const unit = this.#unit(name);
    await unit.stop();
    if (unit.transient) this.#units.delete(name);
  }

  restart(name: string): Promise<void> {
    return this.#unit(name).restart();
  }

  enable(name: string): void {
    const wants = join(this.#options.root, "/etc/systemd/system/multi-user.target.wants");
    mkdirSync(wants, { recursive: true });
    if (!this.#unit(name).isEnabled()) symlinkSync(this.show(name).fragmentPath, join(wants, name));
  }

  daemonReload(): void {
    for (const unit of this.#units.values()) unit.reload();
  }

  async runTransient(transient: TransientUnit): Promise<void> {
    const full = `${transient.name}.service`;
    if (this.#units.get(full)?.transient) throw new UnitError("refused", full, "UnitExists");
    const unit = new Unit(full, this.#options, fileOf(transient));
    this.#units.set(full, unit);
    await unit.start();
  }

  resetFailed(name: string): void {
    if (this.#units.get(name)?.state().active === "failed") this.#units.delete(name);
  }

  journal(name: string, lines: number): readonly string[] {
    return this.#unit(name).journal(lines);
  }

  /** Stops everything in order, as a shutdown does. */
  async shutdown(): Promise<void> {
    await Promise.all([...this.#units.values()].map((unit) => unit.stop()));
  }

  powerOff(): void {
    for (const unit of this.#units.values()) unit.kill();
  }

  #unit(name: string): Unit {
    const known = this.#units.get(name);
    if (known) return known;
    const unit = new Unit(name, this.#options);
    this.#units.set(name, unit);
    return unit;
  }

  #enabled(): string[] {
    const folder = join(this.#options.root, "/etc/systemd/system");
    return ["multi-user.target.wants", "default.target.wants"].flatMap((wants) => {
      try {
        return readdirSync(join(folder, wants));
      } catch {
        return [];
      }
    });
  }
}

function fileOf({ name, argv, env = {}, properties = {} }: TransientUnit): UnitFile {
  const input = properties.StandardInputFile;
  return {
    load: "loaded",
    fragmentPath: `/run/transient/${name}.service`,
    dropIns: [],
    environment: env,
    environmentFiles: [],
    execStart: argv,
    user: "",
    restart: "no",
    restartSec: 0,
    type: "simple",
    fingerprint: "",
    ...(typeof input === "string" ? { standardInput: input } : {}),
  };
}

import assert from "node:assert/strict";
import type { Host } from "../host.ts";
import type { TransientUnit, UnitState } from "../units.ts";

/** Something that every implementation of Units and Watch.units does. */
export interface UnitsCase {
  readonly name: string;
  /** Asked of systemd alone: the sandbox has no use for it. */
  readonly only?: "systemd";
  run(bench: Bench): Promise<void>;
}

/** A machine and a unit of the case's own. */
export class Bench {
  readonly host: Host;
  readonly name: string;

  /** `name` is without `.service`. */
  constructor(host: Host, name: string) {
    this.host = host;
    this.name = name;
  }

  get unit(): string {
    return `${this.name}.service`;
  }

  get path(): string {
    return `/etc/systemd/system/${this.unit}`;
  }

  get dropIn(): string {
    return `${this.path}.d/zz-case.conf`;
  }

  show(): Promise<UnitState> {
    return this.host.units.show(this.unit);
  }

  /** Writes the unit's file with these lines in [Service], and has it loaded. */
  async write(...service: readonly string[]): Promise<void> {
    const lines = ["[Unit]", "Description=A case", "[Service]", ...service, "[Install]", "WantedBy=multi-user.target"];
    await this.host.files.writeAtomic(this.path, `${lines.join("\n")}\n`, { mode: 0o644 });
    await this.host.units.daemonReload();
  }

  async writeDropIn(line: string): Promise<void> {
    await this.host.files.writeAtomic(this.dropIn, `[Service]\n${line}\n`, { mode: 0o644 });
  }

  async started(...service: readonly string[]): Promise<UnitState> {
    await this.write(...service);
    await this.host.units.start(this.unit);
    return this.show();
  }

  /** Looks until the unit is as it should be, for 15 s at most; also while the unit manager cannot be asked. */
  async until(what: string, holds: (state: UnitState) => boolean): Promise<UnitState> {
    const end = this.host.clock.mono() + 15_000;
    for (;;) {
      const state = await this.show().catch((error: unknown) => error);
      if (!(state instanceof Error) && holds(state as UnitState)) return state as UnitState;
      if (this.host.clock.mono() > end) assert.fail(`never ${what}: ${String(state)} ${JSON.stringify(state)}`);
      await this.host.clock.sleep(50);
    }
  }

  /** Starts `/bin/sh -c SCRIPT` as a transient unit. */
  runTransient(script: string, more: Partial<TransientUnit> = {}): Promise<void> {
    const argv = ["/bin/sh", "-c", script];
    return this.host.units.runTransient({ name: this.name, description: "A transient case", argv, ...more });
  }

  async untilJournal(line: string): Promise<void> {
    const { units, clock } = this.host;
    const end = clock.mono() + 10_000;
    for (;;) {
      const lines = await units.journal(this.unit, 50);
      if (lines.includes(line)) return;
      if (clock.mono() > end) assert.fail(`${line} never came: ${JSON.stringify(lines)}`);
      await clock.sleep(50);
    }
  }

  /** The units are this machine's own. */
  kill(pid: number): void {
    process.kill(pid, "SIGKILL");
  }

  /** Leaves nothing behind, whatever state the case ended in. */
  async clean(): Promise<void> {
    const { units, files } = this.host;
    await files.remove(`/etc/systemd/system/multi-user.target.wants/${this.unit}`);
    await units.resetFailed(this.unit);
    if ((await this.show()).active !== "inactive") await units.stop(this.unit);
    await files.remove(this.path);
    await files.removeTree(`${this.path}.d`);
    await units.daemonReload();
    await units.resetFailed(this.unit);
  }
}

/** A program that does nothing for long. */
export const SLEEP = "ExecStart=/bin/sleep 1000";

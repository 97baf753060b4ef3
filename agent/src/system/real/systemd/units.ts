import type { JobOptions, TransientUnit, UnitState, Units } from "../../units.ts";
import { UnitError } from "../../units.ts";
import { mustFindProgram } from "../programs.ts";
import type { Bus } from "./bus.ts";
import { runJob } from "./job.ts";
import { journal } from "./journal.ts";
import { managerCall } from "./messages.ts";
import { show } from "./show.ts";
import { transientProperties } from "./transient.ts";

/** A reload reads every unit file of the machine, and generators run in it. */
const RELOAD_MS = 90_000;

/** systemd's units over D-Bus. */
export class RealUnits implements Units {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  available(): Promise<boolean> {
    return this.#bus.available();
  }

  show(unit: string): Promise<UnitState> {
    return show(this.#bus, unit);
  }

  start(unit: string, options?: JobOptions): Promise<void> {
    return this.#job("StartUnit", unit, options);
  }

  stop(unit: string, options?: JobOptions): Promise<void> {
    return this.#job("StopUnit", unit, options);
  }

  restart(unit: string, options?: JobOptions): Promise<void> {
    return this.#job("RestartUnit", unit, options);
  }

  async enable(unit: string): Promise<void> {
    const [, changes] = await this.#bus.call(unit, managerCall("EnableUnitFiles", "asbb", [[unit], false, false]));
    if (Array.isArray(changes) && changes.length > 0) await this.daemonReload();
  }

  async daemonReload(): Promise<void> {
    await this.#bus.call("systemd", managerCall("Reload"), RELOAD_MS);
  }

  async runTransient(unit: TransientUnit, options?: JobOptions): Promise<void> {
    const name = `${unit.name}.service`;
    const program = await mustFindProgram(unit.argv);
    const body = [name, "fail", transientProperties(program, unit), []];
    try {
      await runJob(this.#bus, name, managerCall("StartTransientUnit", "ssa(sv)a(sa(sv))", body), options);
    } catch (error) {
      // A program that fails at once fails the job or not, as it happens; the unit remains and says how it failed.
      if (!(error instanceof UnitError && error.code === "job" && error.reason === "failed")) throw error;
    }
  }

  async resetFailed(unit: string): Promise<void> {
    try {
      await this.#bus.call(unit, managerCall("ResetFailedUnit", "s", [unit]));
    } catch (error) {
      if (!(error instanceof UnitError && error.reason === "NoSuchUnit")) throw error;
    }
  }

  journal(unit: string, lines: number): Promise<readonly string[]> {
    return journal(unit, lines);
  }

  #job(member: string, unit: string, options?: JobOptions): Promise<void> {
    return runJob(this.#bus, unit, managerCall(member, "ss", [unit, "replace"]), options);
  }
}

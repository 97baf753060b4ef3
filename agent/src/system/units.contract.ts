import assert from "node:assert/strict";
import type { Host } from "./host.ts";
import type { TransientUnit, UnitState } from "./units.ts";

/**
 * What every implementation of Units and Watch.units does, as cases: run on a machine with systemd, and on the
 * sandbox's unit manager, which starts the same programs.
 */
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

  /** Looks until the unit is as it should be, for 15 s at most. */
  async until(what: string, holds: (state: UnitState) => boolean): Promise<UnitState> {
    const end = this.host.clock.mono() + 15_000;
    for (;;) {
      const state = await this.show();
      if (holds(state)) return state;
      if (this.host.clock.mono() > end) assert.fail(`never ${what}: ${JSON.stringify(state)}`);
      await this.host.clock.sleep(50);
    }
  }

  /** Starts `/bin/sh -c SCRIPT` as a transient unit. */
  runTransient(script: string, more: Partial<TransientUnit> = {}): Promise<void> {
    const argv = ["/bin/sh", "-c", script];
    return this.host.units.runTransient({ name: this.name, description: "A transient case", argv, ...more });
  }

  async kill(pid: number): Promise<void> {
    await this.host.exec.run(["kill", "-KILL", String(pid)], { timeoutMs: 5_000 });
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

const SLEEP = "ExecStart=/bin/sleep 1000";

export const unitsCases: readonly UnitsCase[] = [
  {
    name: "a unit that is not there is not-found, and to start it is refused",
    async run(bench) {
      const { load, active, mainPid, enabled, environment } = await bench.show();
      assert.deepEqual(
        { load, active, mainPid, enabled, environment },
        { load: "not-found", active: "inactive", mainPid: 0, enabled: "", environment: [] },
      );
      await assert.rejects(bench.host.units.start(bench.unit), { code: "refused", reason: "NoSuchUnit" });
    },
  },
  {
    name: "start resolves with the program running in the unit's environment",
    async run(bench) {
      const state = await bench.started(SLEEP, "Environment=CASE_A=1 CASE_B=two");
      const { load, active, sub, result, fragmentPath, restarts } = state;
      assert.deepEqual(
        { load, active, sub, result, fragmentPath, restarts },
        { load: "loaded", active: "active", sub: "running", result: "success", fragmentPath: bench.path, restarts: 0 },
      );
      assert.deepEqual(state.environment, ["CASE_A=1", "CASE_B=two"]);
      const own = await bench.until("its program's", (now) => now.mainPid > 0);
      assert.equal((await bench.host.proc.environ(own.mainPid))?.CASE_B, "two");
    },
  },
  {
    name: "start of a unit that runs changes nothing",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP);
      await bench.host.units.start(bench.unit);
      assert.equal((await bench.show()).mainPid, mainPid);
    },
  },
  {
    name: "a drop-in counts after a reload, and for the process after a restart",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP, "Environment=CASE_A=1");
      await bench.writeDropIn("Environment=CASE_A=2");
      const written = await bench.show();
      assert.equal(written.needReload, true);
      assert.deepEqual(written.environment, ["CASE_A=1"]);
      await bench.host.units.daemonReload();
      const loaded = await bench.show();
      assert.equal(loaded.needReload, false);
      assert.deepEqual(loaded.environment, ["CASE_A=2"]);
      assert.deepEqual(loaded.dropIns, [bench.dropIn]);
      assert.equal((await bench.host.proc.environ(mainPid))?.CASE_A, "1");
      await bench.host.units.restart(bench.unit);
      const restarted = await bench.show();
      assert.notEqual(restarted.mainPid, mainPid);
      assert.equal((await bench.host.proc.environ(restarted.mainPid))?.CASE_A, "2");
    },
  },
  {
    name: "stop resolves when the program is gone",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP);
      await bench.host.units.stop(bench.unit);
      const state = await bench.show();
      assert.equal(state.active, "inactive");
      assert.equal(state.result, "success");
      assert.equal(state.mainPid, 0);
      assert.equal(await bench.host.proc.environ(mainPid), null);
    },
  },
  {
    name: "restart starts what does not run",
    async run(bench) {
      await bench.write(SLEEP);
      await bench.host.units.restart(bench.unit);
      assert.equal((await bench.show()).active, "active");
    },
  },
  {
    name: "enable, twice, and then a link that somebody removed",
    async run(bench) {
      await bench.write(SLEEP);
      assert.equal((await bench.show()).enabled, "disabled");
      await bench.host.units.enable(bench.unit);
      await bench.host.units.enable(bench.unit);
      const enabled = await bench.show();
      assert.equal(enabled.enabled, "enabled");
      assert.equal(enabled.active, "inactive");
      await bench.host.files.remove(`/etc/systemd/system/multi-user.target.wants/${bench.unit}`);
      assert.equal((await bench.show()).enabled, "disabled");
    },
  },
  {
    name: "to start a masked unit is refused",
    async run(bench) {
      await bench.host.files.link("/dev/null", bench.path);
      await bench.host.units.daemonReload();
      const { load, enabled } = await bench.show();
      assert.deepEqual({ load, enabled }, { load: "masked", enabled: "masked" });
      await assert.rejects(bench.host.units.start(bench.unit), { code: "refused", reason: "UnitMasked" });
    },
  },
  {
    name: "a program that is killed fails its unit",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP);
      await bench.kill(mainPid);
      const state = await bench.until("failed", (now) => now.active === "failed");
      assert.equal(state.result, "signal");
      assert.equal(state.mainPid, 0);
      await bench.host.units.resetFailed(bench.unit);
      assert.equal((await bench.show()).active, "inactive");
    },
  },
  {
    name: "a program that is killed is restarted where the unit says so, and that is counted",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP, "Restart=always", "RestartSec=0.2");
      await bench.kill(mainPid);
      const again = await bench.until("restarted", (now) => now.restarts === 1 && now.active === "active");
      assert.notEqual(again.mainPid, mainPid);
    },
  },
  {
    name: "between two restarts a unit is activating",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP, "Restart=always", "RestartSec=60");
      await bench.kill(mainPid);
      const state = await bench.until("waiting", (now) => now.active === "activating");
      assert.equal(state.sub, "auto-restart");
      await bench.host.units.stop(bench.unit);
      assert.notEqual((await bench.show()).active, "activating");
    },
  },
  {
    name: "how a program failed is told",
    async run(bench) {
      await bench.write("ExecStart=/bin/false");
      await bench.host.units.start(bench.unit);
      const { result, exitStatus } = await bench.until("failed", (now) => now.active === "failed");
      assert.deepEqual({ result, exitStatus }, { result: "exit-code", exitStatus: 1 });
    },
  },
  {
    name: "a oneshot that fails is a failed job",
    only: "systemd",
    async run(bench) {
      await bench.write("Type=oneshot", "ExecStart=/bin/false");
      await assert.rejects(bench.host.units.start(bench.unit), { code: "job", reason: "failed" });
    },
  },
  {
    name: "a wait for a job ends with the time-out, and with the signal",
    only: "systemd",
    async run(bench) {
      await bench.write("Type=notify", SLEEP);
      await assert.rejects(bench.host.units.start(bench.unit, { timeoutMs: 300 }), { code: "away" });
      const signal = AbortSignal.timeout(300);
      await assert.rejects(bench.host.units.start(bench.unit, { signal }), { name: "TimeoutError" });
      assert.equal((await bench.show()).active, "activating");
    },
  },
  {
    name: "a job that another order overtakes is canceled",
    only: "systemd",
    async run(bench) {
      await bench.write("Type=notify", SLEEP);
      const start = bench.host.units.start(bench.unit);
      await Promise.all([
        assert.rejects(start, { code: "job", reason: "canceled" }),
        bench.until("activating", (now) => now.active === "activating").then(() => bench.host.units.stop(bench.unit)),
      ]);
    },
  },
  {
    name: "the journal gives the newest lines, oldest first",
    async run(bench) {
      await bench.runTransient("for i in 1 2 3 4 5; do echo line $i; done; sleep 1000");
      await waitForLine(bench, "line 5");
      const lines = await bench.host.units.journal(bench.unit, 50);
      const ours = lines.filter((line) => line.startsWith("line "));
      assert.deepEqual(ours, ["line 1", "line 2", "line 3", "line 4", "line 5"]);
      assert.deepEqual(await bench.host.units.journal(bench.unit, 3), lines.slice(-3));
    },
  },
  {
    name: "a transient unit that succeeded remains until it is stopped",
    async run(bench) {
      await bench.runTransient("echo it is done");
      const state = await bench.until("over", (now) => now.mainPid === 0);
      const { active, sub, result, exitStatus } = state;
      assert.deepEqual(
        { active, sub, result, exitStatus },
        { active: "active", sub: "exited", result: "success", exitStatus: 0 },
      );
      await waitForLine(bench, "it is done");
      await bench.host.units.stop(bench.unit);
      assert.equal((await bench.show()).load, "not-found");
    },
  },
  {
    name: "a transient unit that failed remains until it is reset",
    async run(bench) {
      await bench.runTransient("exit 3");
      const { result, exitStatus } = await bench.until("failed", (now) => now.active === "failed");
      assert.deepEqual({ result, exitStatus }, { result: "exit-code", exitStatus: 3 });
      await assert.rejects(bench.runTransient("exit 0"), { code: "refused", reason: "UnitExists" });
      await bench.host.units.resetFailed(bench.unit);
      assert.equal((await bench.show()).load, "not-found");
      await bench.runTransient("exit 0");
    },
  },
  {
    name: "of two transient units with one name the second is refused",
    async run(bench) {
      await bench.runTransient("sleep 1000");
      const { mainPid } = await bench.show();
      await assert.rejects(bench.runTransient("sleep 1000"), { code: "refused", reason: "UnitExists" });
      assert.equal((await bench.show()).mainPid, mainPid);
    },
  },
  {
    name: "a transient unit gets its arguments and environment as they are",
    async run(bench) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what must not be expanded
      const odd = 'a  b $HOME ${HOME} $$ %n %% "q" \\x é';
      await bench.host.units.runTransient({
        name: bench.name,
        description: "Odd %n $HOME",
        argv: ["/bin/sh", "-c", 'printf "%s\n" "$1" "$CASE_ODD"; sleep 1000', "sh", odd],
        env: { CASE_ODD: odd },
      });
      await bench.until("odd", (now) => now.mainPid > 0);
      await waitForLine(bench, odd);
      const lines = await bench.host.units.journal(bench.unit, 50);
      assert.deepEqual(
        lines.filter((line) => line === odd),
        [odd, odd],
      );
    },
  },
  {
    name: "a transient unit runs as its user, with its limits, and ends when its time is over",
    only: "systemd",
    async run(bench) {
      const properties = { RuntimeMaxSec: 1, Nice: 5, PrivateTmp: true, MemoryMax: 2 ** 30, UMask: 0o77 };
      await bench.runTransient("id -un; nice; umask; sleep 1000", { user: "nobody", properties });
      const { result } = await bench.until("failed", (now) => now.active === "failed");
      assert.equal(result, "timeout");
      const lines = await bench.host.units.journal(bench.unit, 50);
      for (const expected of ["nobody", "5", "0077"])
        assert.ok(lines.includes(expected), `${expected} is in the journal`);
    },
  },
  {
    name: "a transient unit whose program cannot be started is a failed unit",
    only: "systemd",
    async run(bench) {
      await bench.host.files.writeAtomic(`/run/${bench.name}`, "no program", { mode: 0o755 });
      const argv = [`/run/${bench.name}`];
      await bench.host.units.runTransient({ name: bench.name, description: "No program", argv });
      await bench.host.files.remove(`/run/${bench.name}`);
      const { result, exitStatus } = await bench.until("failed", (now) => now.active === "failed");
      assert.deepEqual({ result, exitStatus }, { result: "exit-code", exitStatus: 203 });
    },
  },
  {
    name: "a transient unit whose program is missing is not started",
    async run(bench) {
      const argv = ["no-such-program-here"];
      const start = bench.host.units.runTransient({ name: bench.name, description: "None", argv });
      await assert.rejects(start, { code: "ENOENT" });
      assert.equal((await bench.show()).load, "not-found");
    },
  },
  {
    name: "a watch calls back when a unit starts, dies, stops, and no more when it has ended",
    async run(bench) {
      await bench.write(SLEEP);
      let calls = 0;
      const end = bench.host.watch.units([bench.unit], (unit) => {
        assert.equal(unit, bench.unit);
        calls += 1;
      });
      const heard = async (what: string, act: () => Promise<unknown>) => {
        const before = calls;
        await act();
        await bench.until(what, () => calls > before);
      };
      // The watch is set up in its own time, and an act before that goes unheard.
      await bench.host.clock.sleep(500);
      await heard("heard of the start", () => bench.host.units.start(bench.unit));
      await heard("heard of the death", async () => bench.kill((await bench.show()).mainPid));
      await heard("heard of the restart", () => bench.host.units.restart(bench.unit));
      await heard("heard of the stop", () => bench.host.units.stop(bench.unit));
      end();
      const before = calls;
      await bench.host.units.start(bench.unit);
      await bench.host.units.stop(bench.unit);
      assert.equal(calls, before);
    },
  },
  {
    name: "a watch calls back for a unit that appears",
    async run(bench) {
      let calls = 0;
      const end = bench.host.watch.units([bench.unit], () => {
        calls += 1;
      });
      await bench.write(SLEEP);
      await bench.host.units.start(bench.unit);
      await bench.until("heard", () => calls > 0);
      end();
    },
  },
];

async function waitForLine(bench: Bench, line: string): Promise<void> {
  const { units, clock } = bench.host;
  const end = clock.mono() + 10_000;
  for (;;) {
    const lines = await units.journal(bench.unit, 50);
    if (lines.includes(line)) return;
    if (clock.mono() > end) assert.fail(`${line} never came: ${JSON.stringify(lines)}`);
    await clock.sleep(50);
  }
}

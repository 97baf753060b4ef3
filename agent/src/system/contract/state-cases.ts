import assert from "node:assert/strict";
import { SLEEP, type UnitsCase } from "./bench.ts";

/** Looking at units, and starting, stopping and enabling them. */
export const stateCases: readonly UnitsCase[] = [
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
      bench.kill(mainPid);
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
      bench.kill(mainPid);
      const again = await bench.until("restarted", (now) => now.restarts === 1 && now.active === "active");
      assert.notEqual(again.mainPid, mainPid);
    },
  },
  {
    name: "between two restarts a unit is activating",
    async run(bench) {
      const { mainPid } = await bench.started(SLEEP, "Restart=always", "RestartSec=60");
      bench.kill(mainPid);
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
];

import assert from "node:assert/strict";
import type { UnitsCase } from "./bench.ts";

/** Units that outlive the agent, and what they said. */
export const transientCases: readonly UnitsCase[] = [
  {
    name: "the journal gives the newest lines, oldest first",
    async run(bench) {
      await bench.runTransient("for i in 1 2 3 4 5; do echo line $i; done; sleep 1000");
      await bench.untilJournal("line 5");
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
      await bench.untilJournal("it is done");
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
      await bench.untilJournal(odd);
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
    only: "systemd",
    async run(bench) {
      const argv = ["no-such-program-here"];
      const start = bench.host.units.runTransient({ name: bench.name, description: "None", argv });
      await assert.rejects(start, { code: "ENOENT" });
      assert.equal((await bench.show()).load, "not-found");
    },
  },
];

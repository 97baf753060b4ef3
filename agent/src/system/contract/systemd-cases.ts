import assert from "node:assert/strict";
import { type Bench, SLEEP, type UnitsCase } from "./bench.ts";

/** Jobs, and what becomes of them when the bus or systemd itself goes. */
export const systemdCases: readonly UnitsCase[] = [
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
    name: "after a restart of the bus orders work, and a watch calls back and goes on",
    only: "systemd",
    run: (bench) => survives(bench, ["systemctl", "restart", "dbus.service"]),
  },
  {
    name: "after systemd was executed anew orders work, and a watch calls back and goes on",
    only: "systemd",
    run: (bench) => survives(bench, ["systemctl", "daemon-reexec"]),
  },
  {
    name: "a job that is waited for while the bus goes is away, and is done all the same",
    only: "systemd",
    async run(bench) {
      await bench.write("Type=oneshot", "RemainAfterExit=yes", "ExecStart=/bin/sleep 2");
      const start = assert.rejects(bench.host.units.start(bench.unit), { code: "away" });
      await bench.until("activating", (now) => now.active === "activating");
      await bench.host.exec.run(["systemctl", "restart", "dbus.service"], { timeoutMs: 20_000 });
      await start;
      await bench.until("done", (now) => now.active === "active");
    },
  },
];

/** What is done to the bus or to systemd loses signals; whoever watches is told to look, and hears of what comes. */
async function survives(bench: Bench, blow: readonly string[]): Promise<void> {
  const { units, watch, exec, clock } = bench.host;
  await bench.started(SLEEP);
  let calls = 0;
  const end = watch.units([bench.unit], () => {
    calls += 1;
  });
  await clock.sleep(500);
  const before = calls;
  const { code, stderr } = await exec.run(blow, { timeoutMs: 20_000 });
  assert.equal(code, 0, stderr);
  const finish = clock.mono() + 10_000;
  while (calls === before && clock.mono() < finish) await clock.sleep(50);
  assert.ok(calls > before, "the watch calls back");
  await clock.sleep(500);
  const again = calls;
  await units.restart(bench.unit);
  await bench.until("heard of again", () => calls > again);
  end();
}

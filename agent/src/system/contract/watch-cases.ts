import assert from "node:assert/strict";
import { SLEEP, type UnitsCase } from "./bench.ts";

/** Who is told of changes. */
export const watchCases: readonly UnitsCase[] = [
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
  ...["a unit that does not run", "a unit that is not there"].map(
    (what): UnitsCase => ({
      name: `a look at ${what} wakes no watch`,
      async run(bench) {
        if (what === "a unit that does not run") await bench.write(SLEEP);
        let calls = 0;
        const end = bench.host.watch.units([bench.unit], () => {
          calls += 1;
        });
        await bench.host.clock.sleep(500);
        const before = calls;
        for (let looks = 0; looks < 5; looks += 1) await bench.show();
        await bench.host.clock.sleep(300);
        end();
        assert.equal(calls, before);
      },
    }),
  ),
];

import t from "tap";
import type { Clock } from "../system/clock.ts";
import type { Watch } from "../system/watch.ts";
import type { Source } from "./source.ts";
import { type WakeReason, Watcher } from "./watcher.ts";

/** Time that passes when the test says so. */
class FakeClock implements Clock {
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  readonly random: () => number;
  #time = 0;

  constructor(chance: number) {
    this.random = () => chance;
  }

  now = () => this.#time;
  mono = () => this.#time;

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.#time + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  async pass(ms: number): Promise<void> {
    const end = this.#time + ms;
    for (;;) {
      await settled();
      const due = [...this.#sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#time = Math.max(this.#time, due.at);
      this.#sleepers.delete(due);
      due.wake();
    }
    this.#time = end;
  }
}

/** A machine's watches in the test's hand. */
class FakeWatch implements Watch {
  readonly heard = new Map<string, () => void>();

  files(paths: readonly string[], onChange: (path: string) => void): () => void {
    return this.#add(paths, onChange);
  }

  units(names: readonly string[], onChange: (unit: string) => void): () => void {
    return this.#add(names, onChange);
  }

  #add(names: readonly string[], onChange: (name: string) => void): () => void {
    for (const name of names) this.heard.set(name, () => onChange(name));
    return () => {
      for (const name of names) this.heard.delete(name);
    };
  }
}

/** Lets everything run that needs no time. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

function begin(chance = 0.5) {
  const clock = new FakeClock(chance);
  const watch = new FakeWatch();
  const wakes: (WakeReason & { at: number })[] = [];
  const watcher = new Watcher({
    host: { clock, watch },
    wake: (reason) => wakes.push({ ...reason, at: clock.mono() }),
  });
  const stop = new AbortController();
  const run = watcher.run(stop.signal);
  const end = async () => {
    stop.abort();
    await run;
  };
  return { clock, watch, wakes, watcher, end };
}

const bursts = [
  { name: "one event", at: [0], wakes: [50] },
  { name: "a burst within 50 ms", at: [0, 5, 12, 40], wakes: [90] },
  { name: "two events apart", at: [0, 100], wakes: [50, 150] },
  { name: "events without a pause", at: Array.from({ length: 30 }, (_, i) => i * 20), wakes: [250, 510, 630] },
];

for (const { name, at, wakes: expected } of bursts) {
  t.test(`${name} wakes at ${expected.join(", ")} ms`, async (t) => {
    const { clock, watch, wakes, watcher, end } = begin();
    watcher.set({ files: [], units: ["ollama.service"] });
    for (const [index, time] of at.entries()) {
      await clock.pass(time - (at[index - 1] ?? 0));
      watch.heard.get("ollama.service")?.();
    }
    await clock.pass(1_000);
    t.same(
      wakes.map((wake) => wake.at),
      expected,
    );
    t.same(wakes[0]?.what, ["unit ollama.service"]);
    t.equal(wakes[0]?.cause, "event");
    await end();
  });
}

const sweeps = [
  { chance: 0, at: [20_000, 40_000, 60_000] },
  { chance: 0.5, at: [24_000, 48_000] },
  { chance: 0.999, at: [27_992, 55_984] },
];

for (const { chance, at } of sweeps) {
  t.test(`by chance ${chance} it sweeps at ${at.join(", ")} ms`, async (t) => {
    const { clock, wakes, end } = begin(chance);
    await clock.pass(60_000);
    t.same(
      wakes,
      at.map((time) => ({ cause: "sweep", what: [], at: time })),
    );
    await end();
    await clock.pass(60_000);
    t.equal(wakes.length, at.length, "none after the end");
  });
}

t.test("what is named in one burst is named once, in order", async (t) => {
  const { clock, watch, wakes, watcher, end } = begin();
  watcher.set({ files: ["/etc/b", "/etc/a"], units: ["x.service"] });
  for (const name of ["x.service", "/etc/b", "/etc/b", "/etc/a"]) watch.heard.get(name)?.();
  await clock.pass(60);
  t.same(
    wakes.map((wake) => wake.what),
    [["file /etc/a", "file /etc/b", "unit x.service"]],
  );
  await end();
});

t.test("other targets: what stays goes on, what is gone is silent, what is new is heard", async (t) => {
  const { clock, watch, wakes, watcher, end } = begin();
  watcher.set({ files: ["/etc/a", "/etc/b"], units: [] });
  const kept = watch.heard.get("/etc/b");
  watcher.set({ files: ["/etc/b", "/etc/c"], units: [] });
  t.same([...watch.heard.keys()].sort(), ["/etc/b", "/etc/c"]);
  t.equal(watch.heard.get("/etc/b"), kept, "it is the same watch");
  watch.heard.get("/etc/c")?.();
  await clock.pass(100);
  t.equal(wakes.length, 1);
  await end();
  t.equal(watch.heard.size, 0, "nothing is watched after the end");
});

t.test("a source that ends is begun again, and its gap counts as an event", async (t) => {
  const { clock, wakes, watcher, end } = begin();
  let begun = 0;
  const source: Source = {
    id: "engine",
    run: async (onEvent, signal) => {
      begun += 1;
      if (begun === 1) onEvent();
      if (begun === 2) throw new Error("cut");
      if (begun === 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  watcher.set({ files: [], units: [], sources: [source] });
  await clock.pass(10_000);
  t.equal(begun, 3);
  t.same(
    wakes.map((wake) => [wake.at, wake.what]),
    [
      [50, ["engine"]],
      [550, ["engine"]],
    ],
  );
  await end();
  await clock.pass(10_000);
  t.equal(begun, 3, "none is begun after the end");
});

import type { Standing } from "@fettle/agent/reconcile/standing.ts";
import type { Resource } from "@fettle/agent/resources/resource.ts";
import t from "tap";
import { type Bench, makeBench, SERVICE } from "./harness.ts";

const OBSERVE: Standing["policy"] = { mode: "observe", pauses: [], contention: null };
const gate = (resource: string, open: boolean) => ({ resource, fact: "gateway.ready", open, stuck: false });

/** Looks take these many ms in turn, the last of them from then on; what is found is what was there at the start. */
function slowly(bench: Bench, id: string, ...ms: number[]): Resource["observe"] {
  let look = 0;
  return async () => {
    const found = bench.world.get(id) ?? "absent";
    await bench.clock.sleep(ms[Math.min(look++, ms.length - 1)] ?? 0);
    return found;
  };
}

/** An apply that takes its time and counts how many of its kind go on at once. */
function counted(bench: Bench, id: string, want: string, ms: number) {
  const seen = { now: 0, most: 0 };
  const apply: Resource["apply"] = async () => {
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    bench.applied.push(id);
    await bench.clock.sleep(ms);
    bench.world.set(id, want);
    seen.now -= 1;
  };
  return { seen, apply };
}

t.test("a look that began before a run says nothing after it", async (t) => {
  const bench = makeBench();
  const file = bench.resource("a.file", "x", { observe: slowly(bench, "a.file", 10, 1_000, 10) as never });
  bench.set([file], { gates: [gate("a.file", false)] });
  await bench.clock.advance(100);
  bench.loop.wake("event");
  await bench.clock.advance(100);
  bench.set([file], { gates: [gate("a.file", true)] });
  await bench.clock.advance(5_000);
  t.same(bench.applied, ["a.file"], "repaired once");
  t.equal(bench.store.runs.owed(10).length, 1);
  await bench.stop();
});

t.test("what happens while a repair is verified is not lost until the next sweep", async (t) => {
  const bench = makeBench();
  bench.set([bench.resource("a.file", "x", { observe: slowly(bench, "a.file", 10, 300, 10) as never })]);
  await bench.clock.advance(200);
  t.same([bench.applied, bench.state("a.file").state], [["a.file"], "repairing"]);
  bench.world.set("a.file", "y");
  bench.loop.wake("event");
  await bench.clock.advance(1_000);
  t.equal(bench.world.get("a.file"), "x");
  t.same(bench.applied, ["a.file", "a.file"]);
  await bench.stop();
});

t.test("what comes after a repair acts only on a look from after it, through others too", async (t) => {
  const bench = makeBench();
  const { world } = bench;
  const first = bench.resource("a.first", "x", {
    apply: async () => {
      bench.applied.push("a.first");
      for (const id of ["a.first", "a.next", "a.middle", "a.last"]) world.set(id, "x");
    },
  });
  const rest = [
    bench.resource("a.next", "x", { after: ["a.first"] }),
    bench.resource("a.middle", "x", { after: ["a.first"] }),
    bench.resource("a.last", "x", { after: ["a.middle"], everyMs: 60_000 }),
  ];
  bench.set([first, ...rest]);
  await bench.clock.advance(3_000);
  t.same(bench.applied, ["a.first"]);
  for (const id of ["a.next", "a.last"]) t.equal(bench.state(id).state, "in-sync", id);
  await bench.stop();
});

t.test("one apply at a time, also when a resource is released and declared again meanwhile", async (t) => {
  const bench = makeBench();
  for (const long of [false, true]) {
    const id = long ? "a.job" : "a.file";
    const { seen, apply } = counted(bench, id, "x", 2_000);
    const file = bench.resource(id, "x", { apply, long });
    bench.set([file]);
    await bench.clock.advance(500);
    bench.set([]);
    await bench.clock.advance(500);
    t.equal(bench.state(id).state, "released");
    bench.set([file]);
    await bench.clock.advance(10_000);
    t.equal(seen.most, 1, id);
    t.equal(bench.state(id).state, "in-sync");
  }
  await bench.stop();
});

t.test("stopping: nothing starts any more, and what runs has ended when it is over", async (t) => {
  const bench = makeBench();
  const ended: string[] = [];
  const hold = (id: string) =>
    bench.resource(id, "x", {
      apply: async (_ctx, _changes, signal) => {
        bench.applied.push(id);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        await bench.clock.sleep(0);
        bench.world.set(id, "x");
        ended.push(id);
      },
    });
  bench.set([hold("a.released")]);
  await bench.clock.advance(100);
  bench.set([
    hold("a.file"),
    bench.resource("a.service", "x", { after: ["a.file"] }),
    bench.resource("a.other", "x", { observe: slowly(bench, "a.other", 1) as never }),
  ]);
  await bench.clock.advance(0);
  await bench.stop();
  await bench.clock.advance(5_000);
  t.same(ended.sort(), ["a.file", "a.released"]);
  t.same(bench.applied.sort(), ["a.file", "a.released"]);
});

t.test("what local policy refused and then allows is looked at, whatever its pace", async (t) => {
  const bench = makeBench();
  const setting = bench.resource("a.setting", "x", { everyMs: 3_600_000 });
  bench.set([setting], { refusals: new Map([["a.setting", { code: "ollama.drop-in.masked", args: {} }]]) });
  await bench.clock.advance(1_000);
  bench.set([setting]);
  await bench.clock.advance(1_000);
  t.equal(bench.state("a.setting").state, "in-sync");
  await bench.stop();
});

t.test("nothing spins while a backoff ends in the middle of a look, or under a refusal", async (t) => {
  const bench = makeBench();
  bench.world.set("a.file", "x");
  const file = bench.resource("a.file", "x", { observe: slowly(bench, "a.file", 10, 10, 10, 20_000) as never });
  const service = bench.resource("a.service", "x", { after: ["a.file"], apply: async () => undefined });
  bench.set([file, service]);
  await bench.clock.advance(50);
  t.equal(bench.state("a.service").code, "agent.failed-backoff");
  for (let look = 0; look < 3; look += 1) {
    bench.loop.wake("event");
    await bench.clock.advance(50);
  }
  await bench.clock.advance(10_000);
  bench.set([file, service], { refusals: new Map([["a.service", { code: "ollama.drop-in.masked", args: {} }]]) });
  await bench.clock.advance(60_000);
  t.equal(bench.state("a.service").state, "blocked");
  await bench.stop();
});

t.test("events without end do not keep a repair from starting", async (t) => {
  const bench = makeBench();
  const ids = ["a.one", "a.two", "a.three"];
  const observed = ids.map((id, at) =>
    bench.resource(id, "x", { observe: slowly(bench, id, 70 + 40 * at) as never, after: ids.slice(0, at) }),
  );
  for (const id of ids.slice(0, 2)) bench.world.set(id, "x");
  bench.set(observed);
  for (let event = 0; event < 100; event += 1) {
    bench.loop.wake("event");
    await bench.clock.advance(30);
  }
  t.same(bench.applied, ["a.three"]);
  await bench.stop();
});

t.test("a job ends when the stack is only observed, or local policy refuses it", async (t) => {
  const bench = makeBench();
  const job = bench.resource("a.model", "x", {
    long: true,
    apply: (_ctx, _changes, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const endings: Array<Partial<Standing>> = [
    { policy: OBSERVE },
    { refusals: new Map([["a.model", { code: "ollama.drop-in.masked" as const, args: {} }]]) },
  ];
  for (const ending of endings) {
    bench.set([job]);
    await bench.clock.advance(1_000);
    t.equal(bench.state("a.model").state, "repairing");
    bench.set([job], ending);
    await bench.clock.advance(1_000);
    t.not(bench.state("a.model").state, "repairing");
  }
  await bench.stop();
});

t.test("a repair whose declaration is gone is not waited for to settle", async (t) => {
  const bench = makeBench();
  const setting = (want: string) =>
    bench.resource("a.setting", want, { settleMs: 300_000, apply: async () => void bench.applied.push(want) });
  bench.set([setting("one")]);
  await bench.clock.advance(2_000);
  bench.set([setting("two")]);
  await bench.clock.advance(3_000);
  t.same(bench.applied, ["one", "two"]);
  t.match(bench.store.runs.owed(5), [{ outcome: "aborted", reason: /newer declaration/ }]);
  await bench.stop();
});

t.test("a look that fails or hangs while a repair settles is not its end", async (t) => {
  const bench = makeBench();
  const troubles: Array<[string, () => Promise<string>]> = [
    ["a.failing", async () => Promise.reject(new Error("refused"))],
    ["a.hanging", () => new Promise(() => undefined)],
  ];
  for (const [id, trouble] of troubles) {
    let looks = 0;
    const observe = async () => {
      looks += 1;
      return looks === 2 ? trouble() : (bench.world.get(id) ?? "absent");
    };
    bench.set([bench.resource(id, "x", { observe, settleMs: 5_000, lookMs: 20 })]);
    await bench.clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await bench.clock.advance(3_000);
    t.match(bench.store.runs.of(id, 5), [{ outcome: "repaired" }], id);
    t.equal(bench.state(id).state, "in-sync");
  }
  await bench.stop();
});

t.test("a look that never ends is unknown after its time, and holds nothing else up", async (t) => {
  const bench = makeBench();
  const hung = bench.resource("a.hung", "x", { observe: () => new Promise(() => undefined), lookMs: 20 });
  bench.set([hung, bench.resource("a.after", "x", { after: ["a.hung"] })]);
  await bench.clock.advance(50);
  await new Promise((resolve) => setTimeout(resolve, 60));
  await bench.clock.advance(50);
  t.match(bench.state("a.hung"), { state: "unknown", code: "agent.observe-failed" });
  t.equal(bench.state("a.after").code, "agent.after");
  await bench.stop();
});

t.test("users that are slow to count are counted once; users that cannot be counted are users", async (t) => {
  const bench = makeBench();
  const pid = { now: async () => bench.clock.sleep(400).then((): number | null => 7) };
  const service = { ...SERVICE, ownNetwork: true, mainPid: () => pid.now() };
  const options = { service, drift: { disturbs: "service" as const } };
  bench.set([bench.resource("a.service", "on", options)]);
  await bench.clock.advance(3_000);
  t.same(bench.applied, ["a.service"]);
  bench.users.cpuMs = null;
  pid.now = async () => Promise.reject(new Error("the Engine is away"));
  bench.world.set("a.service", "down");
  bench.loop.wake("event");
  await bench.clock.advance(3_000);
  t.match(bench.state("a.service"), { state: "waiting", code: "agent.busy" });
  pid.now = () => new Promise(() => undefined);
  await bench.clock.advance(20_000);
  t.match(bench.state("a.service"), { state: "waiting", code: "agent.busy" });
  pid.now = async () => null;
  await bench.clock.advance(20_000);
  t.equal(bench.state("a.service").state, "in-sync");
  await bench.stop();
});

t.test("what is unknown together is looked at together, and ever more rarely", async (t) => {
  const bench = makeBench();
  const passes = new Set<string>();
  let looks = 0;
  const away = (id: string, ms: number) =>
    bench.resource(id, "x", {
      observe: async ({ pass }) => {
        passes.add(pass.id);
        looks += 1;
        await bench.clock.sleep(ms);
        throw new Error("away");
      },
    });
  bench.set([away("a.one", 1), away("a.two", 20), away("a.three", 40)]);
  await bench.clock.advance(600_000);
  t.ok(passes.size <= looks / 3 + 1, `${looks} looks in ${passes.size} passes`);
  t.ok(passes.size < 60, `${passes.size} passes in ten minutes`);
  await bench.stop();
});

t.test("a change of what is found is reported, also where the state stays", async (t) => {
  const bench = makeBench();
  const findings: Array<{ code: "ollama.listening.exposed"; args: { address: string } }> = [];
  const listening = bench.resource("a.listening", "x", { diff: () => ({ kind: "in-sync", findings: [...findings] }) });
  const file = bench.resource("a.file", "x");
  bench.set([listening, file], { policy: OBSERVE });
  const reported = async () => {
    const before = bench.changes;
    bench.loop.wake("event");
    await bench.clock.advance(100);
    return bench.changes - before;
  };
  await bench.clock.advance(100);
  t.equal(await reported(), 0, "nothing new");
  findings.push({ code: "ollama.listening.exposed", args: { address: "0.0.0.0" } });
  t.equal(await reported(), 1, "a finding");
  bench.world.set("a.file", "y");
  t.equal(await reported(), 1, "another wrong value");
  t.equal(await reported(), 0, "nothing new");
  await bench.stop();
});

t.test("fifty models are pulled a few at a time, and the rest says that it waits for its turn", async (t) => {
  const bench = makeBench();
  let now = 0;
  let most = 0;
  const model = (name: string) => {
    const id = `a.model[${name}]`;
    return bench.resource(id, "x", {
      long: true,
      apply: async () => {
        most = Math.max(most, ++now);
        await bench.clock.sleep(60_000);
        now -= 1;
        bench.world.set(id, "x");
      },
    });
  };
  bench.set(Array.from({ length: 50 }, (_, at) => model(`m${at}`)));
  await bench.clock.advance(1_000);
  t.match(bench.state("a.model[m49]"), { state: "waiting", code: "agent.in-line" });
  await bench.clock.advance(50 * 61_000);
  t.equal(bench.state("a.model[m49]").state, "in-sync");
  t.ok(most <= 3, `${most} at once`);
  await bench.stop();
});

t.test("what was unknown without another is looked at when that is in sync again", async (t) => {
  const bench = makeBench();
  const { world } = bench;
  const down = { kind: "waiting", code: "ollama.listening.service-down", args: {} } as const;
  const listening = bench.resource("a.listening", "up", {
    diff: (found) => (found === "up" ? { kind: "in-sync" } : down),
  });
  const model = bench.resource("a.model", "x", {
    after: ["a.listening"],
    everyMs: 60_000,
    observe: async () => {
      if (world.get("a.listening") !== "up") throw new Error("connection refused");
      return "x";
    },
  });
  bench.set([listening, model]);
  await bench.clock.advance(100);
  t.equal(bench.state("a.model").state, "unknown");
  world.set("a.listening", "up");
  bench.loop.wake("event");
  await bench.clock.advance(50);
  t.equal(bench.state("a.model").state, "in-sync", "at once");
  await bench.stop();
});

t.test(
  "what failed is tried again when what it rests on was repaired, and waits the longer if that was not it",
  async (t) => {
    const bench = makeBench();
    const tries: number[] = [];
    const warm = bench.resource("a.warm", "x", {
      after: ["a.model"],
      apply: async () => {
        tries.push(bench.clock.mono());
        if (bench.world.get("a.model") !== "x" || tries.length < 3) throw new Error("there is no such model");
        bench.world.set("a.warm", "x");
      },
    });
    bench.world.set("a.model", "x");
    bench.set([bench.resource("a.model", "x"), warm]);
    await bench.clock.advance(10);
    bench.world.delete("a.model");
    bench.loop.wake("event");
    await bench.clock.advance(10);
    t.equal(tries.length, 2, "at once");
    await bench.clock.advance(1_900);
    t.equal(tries.length, 2, "the second pause is twice the first");
    await bench.clock.advance(10_000);
    t.equal(bench.state("a.warm").state, "in-sync");
    await bench.stop();
  },
);

t.test("a drift that is not decided about yet holds what comes after it back", async (t) => {
  const bench = makeBench();
  for (const id of ["a.first", "a.next", "a.last"]) bench.world.set(id, "x");
  bench.set([
    bench.resource("a.first", "x", { observe: slowly(bench, "a.first", 10, 300) as never }),
    bench.resource("a.next", "x", { after: ["a.first"] }),
    bench.resource("a.last", "x", { after: ["a.next"] }),
  ]);
  await bench.clock.advance(1_000);
  for (const id of ["a.next", "a.last"]) bench.world.set(id, "y");
  bench.loop.wake("event");
  await bench.clock.advance(2_000);
  t.same(bench.applied, ["a.next", "a.last"]);
  await bench.stop();
});

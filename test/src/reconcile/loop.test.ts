import { openStore } from "@fettle/agent/store/store.ts";
import t from "tap";
import { LIMITS, makeBench, SERVICE } from "./harness.ts";

t.test("converges in order, and does nothing when nothing is wrong", async (t) => {
  const bench = makeBench();
  const { resource } = bench;
  bench.set([resource("a.service", "on", { after: ["a.file"] }), resource("a.file", "x")]);
  await bench.clock.advance(1_000);
  t.same(bench.applied, ["a.file", "a.service"]);
  t.equal(bench.state("a.service").state, "in-sync");
  for (let sweep = 0; sweep < 5; sweep += 1) {
    bench.loop.wake("sweep");
    await bench.clock.advance(30_000);
  }
  t.same(bench.applied, ["a.file", "a.service"], "no writes afterwards");
  t.match(bench.store.runs.owed(10), [
    { resource: "a.file", outcome: "repaired", cause: "desired" },
    { resource: "a.service", outcome: "repaired" },
  ]);
  await bench.stop();
});

t.test("a drift is repaired on an event", async (t) => {
  const bench = makeBench();
  bench.set([bench.resource("a.file", "x")]);
  await bench.clock.advance(1_000);
  bench.world.set("a.file", "y");
  bench.loop.wake("event");
  await bench.clock.advance(1_000);
  t.equal(bench.world.get("a.file"), "x");
  t.match(bench.store.runs.owed(10)[1], { cause: "event", changes: [{ what: "a.file", from: "y", to: "x" }] });
  await bench.stop();
});

t.test("observe and pause write nothing, and say what they would write", async (t) => {
  const bench = makeBench();
  bench.set([bench.resource("a.file", "x")], { policy: { mode: "observe", pauses: [], contention: null } });
  await bench.clock.advance(1_000);
  t.match(bench.state("a.file"), { state: "drifted", code: "agent.observing", changes: [{ from: "absent", to: "x" }] });
  const pauses = [{ scope: "stack", reason: "upgrade", by: "ada", until: bench.clock.now() + 60_000 }];
  bench.set([bench.resource("a.file", "x")], { policy: { mode: "enforce", pauses, contention: null } });
  await bench.clock.advance(30_000);
  t.match(bench.state("a.file"), { state: "paused", code: "agent.paused", changes: [{ to: "x" }] });
  t.same(bench.applied, []);
  await bench.clock.advance(29_900);
  t.same(bench.applied, []);
  await bench.clock.advance(1_000);
  t.same(bench.applied, ["a.file"], "a pause with an end really ends, and nobody needs to wake the loop for it");
  await bench.stop();
});

t.test("a refusal of local policy is not even looked at", async (t) => {
  const bench = makeBench();
  let looks = 0;
  const file = bench.resource("a.file", "x", {
    observe: async () => {
      looks += 1;
      return String(looks);
    },
  });
  bench.set([file], { refusals: new Map([["a.file", { code: "ollama.drop-in.masked", args: {} }]]) });
  await bench.clock.advance(60_000);
  t.equal(looks, 0);
  t.match(bench.state("a.file"), { state: "blocked", code: "ollama.drop-in.masked" });
  await bench.stop();
});

t.test("a repair that does not help is failed and tried again with growing pauses, across a restart", async (t) => {
  const store = openStore(":memory:");
  const bench = makeBench(store);
  const tries: number[] = [];
  const broken = () => bench.resource("a.file", "x", { apply: async () => void tries.push(bench.clock.mono()) });
  bench.set([broken()]);
  await bench.clock.advance(60_000);
  t.match(bench.state("a.file"), { state: "failed", code: "agent.failed-backoff" });
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  t.ok(
    gaps.every((gap, index) => index === 0 || gap >= (gaps[index - 1] ?? 0)),
    `growing: ${gaps.join(" ")}`,
  );
  t.ok(tries.length < 8);
  t.ok((store.retries.get("a.file", broken().hash)?.failures ?? 0) >= 4, "kept in the journal");
  bench.loop.repair(["a.file"]);
  const before = tries.length;
  await bench.clock.advance(100);
  t.equal(tries.length, before + 1, "repair tries at once");
  await bench.stop();
});

t.test("contended: stops after five repairs of the same wrong value, until repair or quiet", async (t) => {
  const bench = makeBench();
  bench.set([bench.resource("a.file", "x")], { policy: { mode: "enforce", pauses: [], contention: LIMITS } });
  await bench.clock.advance(1_000);
  const fight = async (times: number) => {
    for (let round = 0; round < times; round += 1) {
      bench.world.set("a.file", "y");
      bench.loop.wake("event");
      await bench.clock.advance(5_000);
    }
  };
  await fight(8);
  t.equal(bench.applied.length, 6, "the first convergence and five repairs");
  t.match(bench.state("a.file"), { state: "contended", code: "agent.contended" });
  t.match(bench.state("a.file").reason, /back to y each time.*repaired it 5 times/);
  await bench.clock.advance(1_700_000);
  await fight(1);
  await bench.clock.advance(1_700_000);
  bench.loop.wake("sweep");
  await bench.clock.advance(1_000);
  t.equal(bench.state("a.file").state, "contended", "the quiet time starts anew with each write");
  await bench.clock.advance(200_000);
  bench.loop.wake("sweep");
  await bench.clock.advance(1_000);
  t.equal(bench.state("a.file").state, "in-sync", "after the quiet time it is repaired once more");
  await fight(8);
  t.equal(bench.state("a.file").state, "contended");
  bench.loop.repair(["a.file"]);
  await bench.clock.advance(1_000);
  t.equal(bench.state("a.file").state, "in-sync");
  await bench.stop();
});

t.test("a disturbing repair waits for users, and one restart serves all pending changes", async (t) => {
  const bench = makeBench();
  const options = { service: SERVICE, drift: { disturbs: "service" as const } };
  bench.world.set("a.service", "on");
  bench.set([bench.resource("a.service", "on", options)]);
  bench.users.connections = 1;
  const work = async (ms: number) => {
    for (let at = 0; at < ms; at += 1_000) {
      bench.users.cpuMs = (bench.users.cpuMs ?? 0) + 500;
      await bench.clock.advance(1_000);
    }
  };
  await work(5_000);
  bench.set([bench.resource("a.service", "off", options)]);
  await work(700_000);
  t.match(bench.state("a.service"), { state: "waiting", code: "agent.busy" }, "not breaking: it waits past drain");
  t.same(bench.applied, []);
  await bench.clock.advance(4_000);
  t.same(bench.applied, [], "not yet quiet for five seconds");
  await bench.clock.advance(4_000);
  t.same(bench.applied, ["a.service"], "idle connections do not hold it for ever");
  await bench.stop();
});

t.test("no users, no wait; unknown use counts as busy", async (t) => {
  const bench = makeBench();
  const options = { service: SERVICE, drift: { disturbs: "service" as const, breaking: true } };
  await bench.clock.advance(3_000);
  bench.set([bench.resource("a.service", "on", options)]);
  await bench.clock.advance(1_500);
  t.same(bench.applied, ["a.service"]);
  bench.users.connections = 3;
  bench.users.cpuMs = Number.NaN;
  await bench.clock.advance(5_000);
  bench.world.set("a.service", "down");
  bench.loop.wake("event");
  await bench.clock.advance(2_000);
  t.match(bench.state("a.service"), { state: "waiting", code: "agent.busy" });
  await bench.stop();
});

t.test("a job is given up for a newer declaration, a pause, and a repair it depends on", async (t) => {
  const bench = makeBench();
  const ends: string[] = [];
  const pull = (want: string) =>
    bench.resource("a.model", want, {
      long: true,
      after: ["a.service"],
      apply: (_ctx, _changes, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            ends.push(String(signal.reason.message));
            reject(signal.reason);
          });
        }),
    });
  const service = () => bench.resource("a.service", "on", { service: SERVICE, drift: { disturbs: "service" } });
  bench.set([service(), pull("m1")]);
  await bench.clock.advance(3_000);
  t.equal(bench.state("a.model").state, "repairing");
  bench.set([service(), pull("m2")]);
  await bench.clock.advance(3_000);
  bench.world.set("a.service", "down");
  bench.loop.wake("event");
  await bench.clock.advance(3_000);
  t.equal(bench.state("a.service").state, "in-sync", "the pull did not hold the restart back");
  t.equal(bench.state("a.model").state, "repairing", "and goes on afterwards");
  const pauses = [{ scope: "ollama-1/a.model", reason: "later", by: "ada", until: null }];
  bench.set([service(), pull("m2")], { policy: { mode: "enforce", pauses, contention: null } });
  await bench.clock.advance(3_000);
  t.equal(bench.state("a.model").state, "paused");
  t.match(ends, [/newer declaration/, /a.service is repaired first/, /paused: later/]);
  const outcomes = bench.store.runs.recent(20).map(({ resource, outcome }) => `${resource} ${outcome}`);
  t.equal(outcomes.filter((one) => one === "a.model aborted").length, 3);
  await bench.stop();
});

t.test("gates, approvals, retry tokens, release", async (t) => {
  const bench = makeBench();
  const gate = { resource: "a.file", fact: "gateway.ready", open: false, stuck: false };
  bench.set([bench.resource("a.file", "x")], { gates: [gate] });
  await bench.clock.advance(1_000);
  t.match(bench.state("a.file"), { state: "waiting", code: "agent.gated", changes: [{ to: "x" }] });
  bench.set([bench.resource("a.file", "x")], { gates: [{ ...gate, open: true }] });
  await bench.clock.advance(1_000);
  t.equal(bench.state("a.file").state, "in-sync");
  bench.set([]);
  t.equal(bench.state("a.file").state, "released");
  bench.world.set("a.file", "y");
  bench.loop.wake("event");
  await bench.clock.advance(30_000);
  t.equal(bench.world.get("a.file"), "y", "what is released is not looked at");
  await bench.stop();
});

t.test("a look that fails or hangs is unknown and changes nothing; secrets are cut from what is said", async (t) => {
  const bench = makeBench();
  const bad = bench.resource("a.bad", "x", {
    observe: async () => {
      throw new Error("token hunter2 refused");
    },
  });
  bench.set([bad, bench.resource("a.good", "x")]);
  await bench.clock.advance(1_000);
  t.match(bench.state("a.bad"), {
    state: "unknown",
    code: "agent.observe-failed",
    reason: /token \[redacted\] refused/,
  });
  t.equal(bench.state("a.good").state, "in-sync", "the rest goes on");
  t.same(bench.applied, ["a.good"]);
  await bench.stop();
});

t.test("a state in transit is looked at again after a second and not repaired", async (t) => {
  const bench = makeBench();
  let looks = 0;
  const moving = bench.resource("a.service", "on", {
    observe: async () => {
      looks += 1;
      return looks < 4 ? "activating" : "on";
    },
    diff: (found) =>
      found === "on"
        ? { kind: "in-sync" }
        : { kind: "unknown", code: "agent.in-transit", args: { what: "a", state: found } },
  });
  bench.set([moving]);
  await bench.clock.advance(3_500);
  t.equal(bench.state("a.service").state, "in-sync");
  t.same(bench.applied, []);
  await bench.stop();
});

t.test("kinds of one pace are looked at in one pass, and what a kept check rests on is said", async (t) => {
  const bench = makeBench();
  const passes = new Map<string, string[]>();
  const seen = (id: string) => passes.get(id) ?? [];
  const slow = (id: string, everyMs: number) =>
    bench.resource(id, "absent", {
      everyMs,
      checkedAt: () => 42,
      observe: async (ctx) => {
        passes.set(id, [...seen(id), ctx.pass.id]);
        return "absent";
      },
    });
  bench.set([slow("a.one", 60_000), slow("a.two", 60_000), slow("a.other", 3_600_000)]);
  await bench.clock.advance(20_000);
  bench.loop.wake("operator", ["a.two"]);
  await bench.clock.advance(44_000);
  t.equal(seen("a.two").length, 3, "at the start, when asked for, and along with the other");
  t.equal(seen("a.one").at(-1), seen("a.two").at(-1));
  t.equal(seen("a.other").length, 1);
  t.equal(bench.state("a.one").checkedAt, 42);
  await bench.stop();
});

t.test("what a failed repair stands on is looked at before the next try", async (t) => {
  const bench = makeBench();
  bench.world.set("a.writable", "yes");
  let tries = 0;
  const waiting = { kind: "waiting", code: "gitlab.writable.readonly", args: { why: "it is" } } as const;
  const writable = bench.resource("a.writable", "yes", {
    everyMs: 60_000,
    diff: (found) => (found === "yes" ? { kind: "in-sync" } : waiting),
  });
  const setting = bench.resource("a.setting", "x", {
    after: ["a.writable"],
    apply: async () => {
      tries += 1;
      bench.world.set("a.writable", "no");
      throw new Error("read-only");
    },
  });
  bench.set([writable, setting]);
  await bench.clock.advance(30_000);
  t.equal(tries, 1);
  t.match(bench.state("a.writable"), { state: "waiting", code: "gitlab.writable.readonly" });
  t.match(bench.state("a.setting"), { state: "waiting", code: "agent.after" });
  await bench.stop();
});

t.test("looks that overlap and are asked for again come to an end", async (t) => {
  const bench = makeBench();
  let looks = 0;
  const slow = (id: string, ms: number) =>
    bench.resource(id, "x", {
      observe: async () => {
        looks += 1;
        await bench.clock.sleep(ms);
        return "x";
      },
    });
  bench.set([slow("a.one", 30), slow("b.two", 50)]);
  await bench.clock.advance(10);
  bench.loop.wake("event");
  await bench.clock.advance(1_000);
  t.equal(looks, 4, "each once more");
  await bench.stop();
});

t.test("what was approved is looked at again at once, whatever its pace, and once for each approval", async (t) => {
  const bench = makeBench();
  let looks = 0;
  const token = bench.resource("a.token", "x", {
    everyMs: 60_000,
    observe: async () => {
      looks += 1;
      return "x";
    },
  });
  const approvals = [{ resource: "a.token", hash: token.hash, token: "yes" }];
  bench.set([token]);
  await bench.clock.advance(1_000);
  for (let time = 0; time < 3; time += 1) {
    bench.set([token], { approvals });
    await bench.clock.advance(1_000);
  }
  t.equal(looks, 2);
  await bench.stop();
});

t.test("a look that says when it is worth another gets it, though no event asks", async (t) => {
  const bench = makeBench();
  const looks: number[] = [];
  const asking = bench.resource("a.answers", "on", {
    observe: async () => {
      looks.push(bench.clock.mono());
      return looks.length < 3 ? "broken" : "on";
    },
    diff: (found) =>
      found === "on" ? { kind: "in-sync" } : { kind: "blocked", code: "ollama.service.masked", args: {} },
    againMs: (found) => (found === "on" ? null : 5_000),
  });
  bench.set([asking]);
  await bench.clock.advance(20_000);
  t.same(looks, [0, 5_000, 10_000]);
  t.equal(bench.state("a.answers").state, "in-sync");
  await bench.stop();
});

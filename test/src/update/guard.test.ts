import { existsSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guard } from "@fettle/agent/update/guard.ts";
import {
  BOOTS,
  CRASHES,
  type GuardDecision,
  type GuardView,
  guardDecision,
  TRIAL_MS,
} from "@fettle/agent/update/guard-decision.ts";
import { cutSecrets } from "@fettle/agent/update/last-words.ts";
import type { UpdateRecord } from "@fettle/agent/update/record.ts";
import t, { type Test } from "tap";
import { RUNS, UpdateMachine } from "./machine.ts";

const NOW = 1_700_000_000_000;
const record = (change: Partial<UpdateRecord> = {}): UpdateRecord => ({
  state: "trial",
  version: "0.2.0",
  from: "0.1.0",
  token: "t1",
  at: NOW,
  startedAt: NOW,
  bootId: "boot-1",
  told: false,
  boots: 1,
  restarts: 0,
  units: {},
  ...change,
});
const view = (change: Partial<GuardView> = {}): GuardView => ({
  record: record(),
  bootId: "boot-1",
  now: NOW + 1_000,
  watchedMs: 1_000,
  agent: { restarts: 0 },
  ...change,
});
const back = (why: "crashed" | "late" | "rebooted" | "begun"): GuardDecision => ({ kind: "go-back", why });
const WAIT: GuardDecision = { kind: "wait" };
const STAND_DOWN: GuardDecision = { kind: "stand-down" };

const CASES: readonly [string, GuardView, GuardDecision][] = [
  ["nothing is being tried", view({ record: null }), STAND_DOWN],
  ["done", view({ record: record({ state: "done" }) }), STAND_DOWN],
  ["rolled back already", view({ record: record({ state: "rolled-back" }) }), STAND_DOWN],
  ["refused", view({ record: record({ state: "refused" }) }), STAND_DOWN],
  ["a way back that was cut off", view({ record: record({ state: "going-back" }) }), back("begun")],
  ["just begun", view(), WAIT],
  ["just before the time is over", view({ now: NOW + TRIAL_MS - 1, watchedMs: TRIAL_MS - 1 }), WAIT],
  ["the time is over", view({ now: NOW + TRIAL_MS, watchedMs: TRIAL_MS }), back("late")],
  ["the time is over for a guard that was killed", view({ now: NOW + TRIAL_MS, watchedMs: 10 }), back("late")],
  ["the clock was set back", view({ now: NOW - 3_600_000, watchedMs: 5_000 }), WAIT],
  ["the clock was set back, and the time is over", view({ now: NOW - 1, watchedMs: TRIAL_MS }), back("late")],
  ["the clock was set ahead by a day", view({ now: NOW + 86_400_000, watchedMs: 5_000 }), WAIT],
  ["crashed less often than counts", view({ agent: { restarts: CRASHES - 1 } }), WAIT],
  ["crashed", view({ agent: { restarts: CRASHES } }), back("crashed")],
  [
    "crashes from before the switch do not count",
    view({ record: record({ restarts: 5 }), agent: { restarts: 6 } }),
    WAIT,
  ],
  ["they count from there", view({ record: record({ restarts: 5 }), agent: { restarts: 8 } }), back("crashed")],
  ["systemd counts anew", view({ record: record({ restarts: 5 }), agent: { restarts: CRASHES } }), back("crashed")],
  ["systemd says nothing", view({ agent: null }), WAIT],
  ["systemd says nothing, and the time is over", view({ agent: null, watchedMs: TRIAL_MS }), back("late")],
  ["the machine was started", view({ bootId: "boot-2", watchedMs: 10, now: NOW + 500_000 }), { kind: "new-boot" }],
  [
    "the machine starts again and again",
    view({ record: record({ boots: BOOTS }), bootId: "boot-9" }),
    back("rebooted"),
  ],
];

for (const [name, given, expected] of CASES)
  t.test(`the guard: ${name}`, async (t) => t.same(guardDecision(given), expected));

interface Scene {
  readonly machine: UpdateMachine;
  readonly said: string[];
  readonly ended: Promise<void>;
  readonly current: () => string;
}

/** A machine that was switched to 0.2.0 and restarted, and its guard. */
function scene(
  t: Test,
  change: Partial<UpdateRecord> = {},
  before: (machine: UpdateMachine) => void = () => {},
): Scene {
  const machine = new UpdateMachine(t);
  const path = (below: string) => join(machine.root, below);
  mkdirSync(path("etc/systemd/system/multi-user.target.wants"), { recursive: true });
  symlinkSync(
    "../fettle-agent-guard.service",
    path("etc/systemd/system/multi-user.target.wants/fettle-agent-guard.service"),
  );
  symlinkSync("0.2.0", path("opt/fettle-agent/current"));
  writeFileSync(path("etc/systemd/system/fettle-agent.service"), "# 0.2.0\n");
  mkdirSync(path("var/lib/fettle-agent/units-before"));
  writeFileSync(path("var/lib/fettle-agent/units-before/fettle-agent.service"), "# 0.1.0\n");
  const startedAt = machine.host.clock.now();
  writeFileSync(
    path("var/lib/fettle-agent/update.json"),
    JSON.stringify(record({ startedAt, units: { "fettle-agent.service": true }, ...change })),
  );
  before(machine);
  const said: string[] = [];
  const stop = new AbortController();
  const ended = guard(machine.host, machine.layout, (line) => said.push(line), stop.signal);
  ended.catch(() => undefined);
  t.teardown(() => stop.abort(new Error("the test ends")));
  return { machine, said, ended, current: () => readlinkSync(path("opt/fettle-agent/current")) };
}

const watched = (machine: UpdateMachine) => existsSync(join(machine.root, "var/lib/fettle-agent/update.watched"));
const wanted = (machine: UpdateMachine) =>
  existsSync(join(machine.root, "etc/systemd/system/multi-user.target.wants/fettle-agent-guard.service"));

t.test("a version that crashes is taken back, with how it ended and its last words", async (t) => {
  const { machine, ended, current } = scene(t, {}, (one) => {
    one.agent = { ...RUNS, active: "activating", sub: "auto-restart", result: "exit-code", exitStatus: 7, restarts: 3 };
    one.journal = ["SyntaxError: Unexpected token", "token glpat-abcdefghijklmnopqrst was in it"];
    // What the version before finds when it is started again: not an end yet, so it waits.
    one.onRestart = async () => void t.match(one.record(), { state: "going-back" });
  });
  await ended;
  t.equal(current(), "0.1.0");
  t.equal(machine.read("/etc/systemd/system/fettle-agent.service"), "# 0.1.0\n", "its unit is back too");
  t.same(machine.asked, ["daemon-reload", "restart fettle-agent.service"]);
  const { state, code, reason } = machine.record() ?? {};
  t.match({ state, code }, { state: "rolled-back", code: "update.crashed" });
  t.match(reason, /3 times .*exit status 7.*SyntaxError/);
  t.notMatch(reason, /glpat/);
  t.notOk(wanted(machine), "it does not start with the machine any more");
});

t.test(
  "of a version that ends without a word: how systemd saw it end, and no word of the version before",
  async (t) => {
    const { machine, ended } = scene(t, {}, (one) => {
      one.agent = { ...RUNS, restarts: 3 };
      const life = [
        "Started fettle-agent.service - Fettle agent.",
        "fettle-agent.service: Main process exited, code=exited, status=7/NOTRUNNING",
        "fettle-agent.service: Failed with result 'exit-code'.",
        "fettle-agent.service: Scheduled restart job, restart counter is at 1.",
        "Stopped fettle-agent.service - Fettle agent.",
      ];
      const before = ["the version before says this", "Stopping fettle-agent.service - Fettle agent..."];
      const ends = ["fettle-agent.service: Deactivated successfully.", "Stopped fettle-agent.service - Fettle agent."];
      one.journal = [...before, ...ends, ...life, ...life, ...life, "Started fettle-agent.service - Fettle agent."];
    });
    await ended;
    const { reason } = machine.record() ?? {};
    t.equal(
      reason,
      "0.2.0 ended by itself 3 times (code=exited, status=7/NOTRUNNING), so 0.1.0 was put back. Its last words: none",
    );
  },
);

t.test("a version that runs and does not connect is taken back when the time is over", async (t) => {
  const { machine, ended, current } = scene(t);
  await ended;
  t.equal(current(), "0.1.0");
  t.match(machine.record(), { state: "rolled-back", code: "update.not-connected" });
});

t.test("a version that says done in time stays", async (t) => {
  const { machine, ended, current } = scene(t);
  while (!watched(machine)) await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(join(machine.root, "var/lib/fettle-agent/update.json"), JSON.stringify(record({ state: "done" })));
  await ended;
  t.equal(current(), "0.2.0");
  t.same(machine.asked, []);
  t.notOk(wanted(machine));
});

t.test("the machine reboots in the trial: the time begins anew, and it ends all the same", async (t) => {
  const { machine, ended, current } = scene(t, { bootId: "boot-0", startedAt: 1 });
  while (machine.record()?.boots !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
  t.match(machine.record(), { state: "trial", bootId: "boot-1" });
  t.equal(current(), "0.2.0");
  await ended;
  t.match(machine.record(), { state: "rolled-back" });
});

t.test("a guard that was killed on the way back finishes it", async (t) => {
  const { machine, ended, current } = scene(t, { state: "going-back", code: "update.crashed", reason: "why" });
  await ended;
  t.equal(current(), "0.1.0");
  t.match(machine.record(), { state: "rolled-back", code: "update.crashed", reason: "why" });
});

t.test("a full disk does not stop the way back", async (t) => {
  const { machine, current, said } = scene(t, {}, (one) => {
    one.agent = { ...RUNS, restarts: 3 };
    one.failWrites = "update.json";
  });
  while (!machine.asked.includes("restart fettle-agent.service"))
    await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(current(), "0.1.0");
  t.match(said.join("\n"), /not written down: ENOSPC/);
});

t.test("systemd does not restart it at first: it is tried again", async (t) => {
  let times = 0;
  const { machine, ended } = scene(t, {}, (one) => {
    one.agent = { ...RUNS, restarts: 3 };
    one.onRestart = async () => {
      times += 1;
      if (times < 3) throw new Error("the bus is gone");
    };
  });
  await ended;
  t.match(machine.record(), { state: "rolled-back", code: "update.crashed" });
  t.equal(times, 3);
});

t.test("what is secret is cut out of the last words", async (t) => {
  const known = "correct horse battery";
  const text = `a ${known} b glrt-0123456789abcdef c fettle1.abcdefgh.ij.klmnopqr d 0123456789abcdef0123456789abcdef`;
  t.equal(cutSecrets(text, [known]), "a [redacted] b [redacted] c [redacted] d [redacted]");
  t.equal(
    cutSecrets("Error: Cannot find module '/opt/fettle-agent/0.2.0/lib/chunk-AB.mjs'", []),
    "Error: Cannot find module '/opt/fettle-agent/0.2.0/lib/chunk-AB.mjs'",
  );
});

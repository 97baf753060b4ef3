import { Backoffs } from "@fettle/agent/reconcile/backoffs.ts";
import { Busy } from "@fettle/agent/reconcile/busy.ts";
import { Contention } from "@fettle/agent/reconcile/contention.ts";
import { Judge } from "@fettle/agent/reconcile/judge.ts";
import { Loop } from "@fettle/agent/reconcile/loop.ts";
import { Runner } from "@fettle/agent/reconcile/runner.ts";
import { NOTHING, type Standing } from "@fettle/agent/reconcile/standing.ts";
import { define, type Parts } from "@fettle/agent/resources/define.ts";
import type { Resource, ResourceContext, ServiceUse, Verdict } from "@fettle/agent/resources/resource.ts";
import { openStore, type Store } from "@fettle/agent/store/store.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { Contention as Limits } from "@fettle/shared/protocol/desired.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import { pino } from "pino";
import { FakeClock } from "../fakes/clock.ts";

/** A machine that is one map: what each resource finds under its id. */
export type World = Map<string, string>;

export const ENFORCE: Standing["policy"] = { mode: "enforce", pauses: [], contention: null };
export const LIMITS: Limits = {
  repairs: 5,
  withinMs: 600_000,
  quietMs: 1_800_000,
  gitlab: { repairs: 2, withinMs: 7_200_000 },
};

export interface Bench {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly world: World;
  readonly loop: Loop;
  /** Every apply that started, in order. */
  readonly applied: string[];
  /** Other established connections to the service's port, and the CPU its process has used. */
  readonly users: { connections: number; cpuMs: number | null };
  away: number;
  /** How often something that is reported has changed. */
  changes: number;
  resource(id: string, want: string, options?: Partial<Parts<string>> & { drift?: Partial<Verdict> }): Resource;
  set(resources: readonly Resource[], standing?: Partial<Standing>): void;
  state(id: string): ResourceReport;
  stop(): Promise<void>;
}

export function makeBench(store = openStore(":memory:")): Bench {
  const clock = new FakeClock();
  const world: World = new Map();
  const applied: string[] = [];
  const users: Bench["users"] = { connections: 0, cpuMs: 0 };
  const host = fakeHost(clock, users);
  const logger = pino({ level: "silent" });
  const busy = new Busy(host, () => null);
  const context = (_: Resource, pass: ResourceContext["pass"]): ResourceContext => ({
    host,
    clients: {} as ResourceContext["clients"],
    pass,
    kept: { get: () => null, set: () => undefined, delete: () => undefined },
    approved: false,
  });
  const cut = (text: string) => text.replaceAll("hunter2", "[redacted]");
  const quiet = () => undefined;
  const backoffs = new Backoffs(clock, store.retries);
  const contention = new Contention({ store, now: () => clock.now(), cut });
  const parts = { clock, logger, store, backoffs, contention, context, cut };
  const runner = new Runner({ ...parts, onOwed: quiet, onProgress: quiet });
  const judge = new Judge({ clock, store, backoffs, busy, awayMs: () => bench.away });
  const onChange = () => {
    bench.changes += 1;
  };
  const loop = new Loop({ ...parts, busy, judge, runner, onChange });
  const ended = new AbortController();
  const running = loop.run(ended.signal);
  const bench: Bench = {
    clock,
    store,
    world,
    loop,
    applied,
    users,
    away: 0,
    changes: 0,
    resource: (id, want, options = {}) => worldResource(world, applied, id, want, options),
    set: (resources, standing = {}) => loop.set({ ...NOTHING, policy: ENFORCE, ...standing, resources }),
    state(id) {
      const found = loop.resources().find((one) => one.id === id);
      if (!found) throw new Error(`no ${id}`);
      return found;
    },
    async stop() {
      ended.abort(new Error("over"));
      await clock.advance(0);
      await running;
    },
  };
  return bench;
}

function worldResource(
  world: World,
  applied: string[],
  id: string,
  want: string,
  { drift = {}, ...options }: Partial<Parts<string>> & { drift?: Partial<Verdict> },
): Resource {
  return define<string>({
    id,
    declared: want,
    settleMs: 0,
    observe: async () => world.get(id) ?? "absent",
    diff: (found) =>
      found === want
        ? { kind: "in-sync" }
        : ({
            kind: "drift",
            changes: [{ what: id, from: found, to: want }],
            disturbs: "none",
            breaking: false,
            ...drift,
          } as Verdict),
    apply: async () => {
      applied.push(id);
      world.set(id, want);
    },
    ...options,
  });
}

export const SERVICE: ServiceUse = { port: 11434, drainMs: 600_000, mainPid: async () => 7 };

function fakeHost(clock: FakeClock, users: Bench["users"]): Host {
  const connection = {
    localAddress: "172.31.11.27",
    localPort: 11434,
    remoteAddress: "172.31.11.20",
    remotePort: 40000,
  };
  return {
    clock,
    net: {
      connections: async () => Array.from({ length: users.connections }, () => connection),
      addresses: async () => ["172.31.11.27"],
    },
    proc: { tree: async (pid: number) => [pid], cpuMs: async () => users.cpuMs },
  } as unknown as Host;
}

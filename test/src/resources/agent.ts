import { makeClients } from "@fettle/agent/clients/clients.ts";
import { type MirrorClient, noMirror } from "@fettle/agent/clients/mirror.ts";
import { makeCore } from "@fettle/agent/reconcile/core.ts";
import type { Loop } from "@fettle/agent/reconcile/loop.ts";
import { NOTHING, type Standing } from "@fettle/agent/reconcile/standing.ts";
import type { Resource } from "@fettle/agent/resources/resource.ts";
import { openStore, type Store } from "@fettle/agent/store/store.ts";
import type { Host } from "@fettle/agent/system/host.ts";
import type { ResourceReport } from "@fettle/shared/protocol/resource-report.ts";
import type { RunRecord } from "@fettle/shared/protocol/run-record.ts";
import { pino } from "pino";

export interface Agent {
  readonly loop: Loop;
  readonly store: Store;
  /** Keeps these from now on; everything not said is enforced, unpaused, ungated. */
  set(resources: readonly Resource[], standing?: Partial<Standing>): void;
  state(id: string): ResourceReport;
  /** Wakes the loop until the resource is as asked; fails after `ms` with what it is instead. */
  until(id: string, is: string | ((now: ResourceReport) => boolean), ms?: number): Promise<ResourceReport>;
  /** All of them in sync. */
  converged(ms?: number): Promise<void>;
  /** Every run so far, the oldest first: of one resource, or of all. */
  runs(id?: string): RunRecord[];
  stop(): Promise<void>;
}

/** Rarer than a look takes: what is looked at again and again is never decided about. */
const WAKE_MS = 250;
const LOOK_MS = 25;

/** The agent's loop with its real clock, on a host that a test hands in; nothing of the wire. */
export function startAgent(host: Host, store: Store = openStore(":memory:"), mirror: MirrorClient = noMirror): Agent {
  const ended = new AbortController();
  const core = makeCore({
    host,
    clients: makeClients(host, mirror),
    store,
    logger: pino({ level: "silent" }),
    cut: (text) => text,
    gpuShare: () => 0,
    awayMs: () => 0,
    onChange: () => undefined,
    onOwed: () => undefined,
  });
  const running = core.loop.run(ended.signal);
  const agent: Agent = {
    loop: core.loop,
    store,
    set: (resources, standing = {}) =>
      core.loop.set({ ...NOTHING, policy: { mode: "enforce", pauses: [], contention: null }, ...standing, resources }),
    state(id) {
      const found = core.loop.resources().find((one) => one.id === id);
      if (!found) throw new Error(`no ${id}`);
      return found;
    },
    async until(id, is, ms = 15_000) {
      const wanted = typeof is === "string" ? (now: ResourceReport) => (now.code ?? now.state) === is : is;
      const end = performance.now() + ms;
      for (let turn = 0; ; turn += 1) {
        if (turn % (WAKE_MS / LOOK_MS) === 0) core.loop.wake("sweep");
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        const now = agent.state(id);
        if (wanted(now)) return now;
        if (performance.now() > end) throw new Error(`${id} is not ${is}: ${JSON.stringify(core.loop.resources())}`);
      }
    },
    async converged(ms) {
      const all = () => core.loop.resources().every((one) => one.state === "in-sync" || one.state === "released");
      await agent.until(core.loop.resources()[0]?.id ?? "", all, ms);
    },
    runs: (id) =>
      store.runs
        .recent(1_000)
        .filter((run) => id === undefined || run.resource === id)
        .reverse(),
    async stop() {
      ended.abort(new Error("the test is over"));
      await running;
    },
  };
  return agent;
}

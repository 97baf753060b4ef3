import type { Logger } from "pino";
import type { Clients } from "../clients/clients.ts";
import type { Pass, Resource, ResourceContext } from "../resources/resource.ts";
import type { Store } from "../store/store.ts";
import type { Host } from "../system/host.ts";
import { Backoffs } from "./backoffs.ts";
import { Busy } from "./busy.ts";
import { Contention } from "./contention.ts";
import type { Situation } from "./decide.ts";
import { gateOf } from "./gate.ts";
import { Judge } from "./judge.ts";
import { Loop } from "./loop.ts";
import { plan } from "./plan.ts";
import { Runner } from "./runner.ts";
import { NOTHING, type Standing } from "./standing.ts";

export interface CoreDeps {
  readonly host: Host;
  readonly clients: Clients;
  readonly store: Store;
  readonly logger: Logger;
  readonly cut: (text: string) => string;
  /** Highest share of a graphics card in use, 0 to 1; null when that is not known. */
  readonly gpuShare: () => number | null;
  readonly awayMs: () => number;
  /** Why nothing at all is changed on this machine. */
  readonly frozen?: (() => Situation["frozen"]) | undefined;
  readonly onChange: () => void;
  readonly onOwed: () => void;
}

export interface Core {
  readonly loop: Loop;
  readonly plan: (resources: readonly Resource[], refusals: Standing["refusals"]) => ReturnType<typeof plan>;
}

const PLAN_MS = 25_000;

/** The loop and its parts, put together once. */
export function makeCore(deps: CoreDeps): Core {
  const { host, store, logger, cut, onChange } = deps;
  const { clock } = host;
  const context = (resource: Resource, pass: Pass, standing: Standing) => contextOf(deps, resource, pass, standing);
  const busy = new Busy(host, deps.gpuShare);
  const backoffs = new Backoffs(clock, store.retries);
  const contention = new Contention({ store, now: () => clock.now(), cut });
  const judge = new Judge({ clock, store, backoffs, busy, awayMs: deps.awayMs, frozen: deps.frozen });
  const runner = new Runner({
    clock,
    logger,
    store,
    backoffs,
    contention,
    context,
    cut,
    onOwed: deps.onOwed,
    onProgress: onChange,
  });
  const loop = new Loop({ clock, logger, store, backoffs, busy, judge, runner, contention, context, cut, onChange });
  return {
    loop,
    plan: (resources, refusals) => {
      const only = (resource: Resource, pass: Pass) => context(resource, pass, NOTHING);
      return plan(resources, refusals, { clock, cut, context: only, signal: AbortSignal.timeout(PLAN_MS) });
    },
  };
}

function contextOf(
  { host, clients, store }: CoreDeps,
  resource: Resource,
  pass: Pass,
  standing: Standing,
): ResourceContext {
  const { id, hash } = resource;
  const gate = gateOf(id, standing.gates);
  return {
    host,
    clients,
    pass,
    kept: {
      get: (key) => store.kept.get(id, key),
      set: (key, value) => store.kept.set(id, key, value),
      delete: (key) => store.kept.delete(id, key),
    },
    approved: standing.approvals.some(
      (one) => one.resource === id && one.hash === hash && !store.runs.usedApproval(id, one.token),
    ),
    enforced: standing.policy.mode === "enforce",
    ...(gate && { gate }),
  };
}

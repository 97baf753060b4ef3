import type { AgentStatus } from "@fettle/shared/protocol/agent-status.ts";
import type { Report } from "@fettle/shared/protocol/report.ts";
import type { Health } from "./health/health.ts";
import type { Keeper } from "./reconcile/keeper.ts";
import type { Loop } from "./reconcile/loop.ts";
import type { MachineFactsService } from "./reconcile/machine-facts.ts";
import type { Store } from "./store/store.ts";

export interface ReportParts {
  readonly keeper: Keeper;
  readonly loop: Loop;
  readonly machine: MachineFactsService;
  readonly health: Health;
  readonly store: Pick<Store, "pauses">;
  readonly agent: AgentStatus;
  /** Wall-clock ms. */
  readonly now: number;
}

/** What the wire takes. */
const MAX_PAUSES = 100;

/** The whole snapshot of this machine. */
export function report({ keeper, loop, machine, health, store, agent, now }: ReportParts): Report {
  return {
    desired: keeper.status(),
    facts: { ...machine.facts(), ...loop.facts() },
    resources: loop.resources(),
    health: health.sample(),
    ports: health.ports(),
    pauses: store.pauses.all(now).slice(0, MAX_PAUSES),
    agent,
  };
}

import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Desired } from "@fettle/shared/protocol/desired.ts";
import type { PlanResult } from "@fettle/shared/protocol/plan.ts";
import type { DesiredStatus } from "@fettle/shared/protocol/report.ts";
import type { Logger } from "pino";
import type { PolicyFacts } from "../policy/facts.ts";
import type { LocalPolicy } from "../policy/local-policy.ts";
import { type KeptPins, keepPins, type Pins, readPins } from "../policy/pins.ts";
import type { Refusal } from "../policy/refusal.ts";
import { review } from "../policy/review.ts";
import type { Resource } from "../resources/resource.ts";
import type { DesiredStore } from "../store/desired.ts";
import { type RoleParams, validateRoles } from "./desired-state.ts";
import { order } from "./order.ts";
import { roleOf } from "./pause.ts";
import type { Standing } from "./standing.ts";

export interface KeeperDeps {
  readonly log: Logger;
  readonly desired: Pick<DesiredStore, "current" | "save">;
  readonly kept: KeptPins;
  readonly policy: LocalPolicy;
  /** The roles that this machine was enrolled with; null before the enrolment. */
  readonly enrolledRoles: () => readonly string[] | null;
  /** What policy needs to know of the machine for these roles. */
  readonly policyFacts: (roles: RoleParams, pins: Pins) => Promise<PolicyFacts>;
  readonly resourcesOf: (roles: RoleParams) => Resource[];
  readonly onStanding: (standing: Standing) => void;
  readonly plan: (resources: readonly Resource[], refusals: Standing["refusals"]) => Promise<PlanResult>;
}

interface Reviewed {
  readonly roles: RoleParams;
  readonly resources: readonly Resource[];
  readonly refusals: ReadonlyMap<string, Refusal>;
  readonly pins: Pins;
}

/**
 * Turns a desired state into what the loop keeps: validated strictly, reviewed by local policy, on disk before it
 * counts. What cannot be taken is rejected by report, and the last accepted one stays in force.
 */
export class Keeper {
  readonly #deps: KeeperDeps;
  #status: DesiredStatus | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  /** What is said of the last desired state that came. */
  status(): DesiredStatus | null {
    return this.#status;
  }

  /** Takes up what was accepted in an earlier life. */
  async load(): Promise<void> {
    const stored = this.#deps.desired.current();
    if (stored) await this.#take(stored, false);
  }

  /** One at a time, in the order they came; never rejects. */
  accept(desired: Desired): Promise<void> {
    this.#turn = this.#turn.then(() => this.#take(desired, true));
    return this.#turn;
  }

  /** Reviews what is in force anew: something that local policy goes by has changed on this machine. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.load());
    return this.#turn;
  }

  /** What an apply of these roles would do here. Throws FettleError `agent.too-old`. */
  async preview(roles: Desired["roles"]): Promise<PlanResult> {
    const { resources, refusals } = await this.#review(validateRoles(roles));
    return this.#deps.plan(resources, refusals);
  }

  async #take(desired: Desired, save: boolean): Promise<void> {
    const { epoch, generation, hash } = desired;
    const status = (one: Pick<DesiredStatus, "state" | "code" | "reason">) => {
      // A review of what is in force says nothing of what came last, which may have been rejected.
      if (save || this.#status === null) this.#status = { epoch, generation, hash, ...one };
    };
    try {
      const reviewed = await this.#review(validateRoles(desired.roles));
      if (save) await this.#deps.desired.save(desired);
      keepPins(this.#deps.kept, reviewed.pins);
      this.#deps.onStanding(standingOf(desired, reviewed));
      status({ state: "accepted" });
    } catch (error) {
      status({ state: "rejected", ...whyOf(error) });
      this.#deps.log.error({ err: error, generation }, "desired state rejected");
    }
  }

  async #review(asked: RoleParams): Promise<Reviewed> {
    const { roles, refusal } = enrolledOnly(asked, this.#deps.enrolledRoles());
    const facts = await this.#deps.policyFacts(roles, readPins(this.#deps.kept));
    const reviews = Object.entries(roles).map(([role, params]) => review(role, params, this.#deps.policy, facts));
    const resources = order(this.#deps.resourcesOf(asked));
    const foreign = resources.filter(({ id }) => !Object.hasOwn(roles, roleOf(id)));
    return {
      roles,
      resources,
      refusals: new Map([
        ...reviews.flatMap(({ refusals }) => [...refusals]),
        ...foreign.map(({ id }) => [id, refusal(roleOf(id))] as const),
      ]),
      pins: Object.assign({}, ...reviews.map(({ pins }) => pins)) as Pins,
    };
  }
}

/** Only what this machine was enrolled for is looked at; of the rest nothing but the refusal is known here. */
function enrolledOnly(
  asked: RoleParams,
  enrolled: readonly string[] | null,
): { roles: RoleParams; refusal: (role: string) => Refusal } {
  const mine = Object.entries(asked).filter(([role]) => enrolled === null || enrolled.includes(role));
  const known = (enrolled ?? []).join(", ") || "none";
  const refusal = (role: string): Refusal => ({ code: "policy.role-not-enrolled", args: { role, roles: known } });
  return { roles: Object.fromEntries(mine), refusal };
}

function standingOf(desired: Desired, { roles, resources, refusals }: Reviewed): Standing {
  const { epoch, generation, gates, policy, retry, approvals } = desired;
  return { epoch, generation, gates, policy, retry, approvals, roles, resources, refusals };
}

function whyOf(error: unknown): { code: string; reason: string } {
  const known =
    error instanceof FettleError ? error : new FettleError("agent.desired-not-kept", { problem: String(error) });
  return { code: known.code, reason: known.message.slice(0, 2000) };
}

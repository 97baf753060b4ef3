import { FettleError } from "@fettle/shared/lib/errors.ts";
import { must } from "@fettle/shared/lib/must.ts";
import { ASSIGN_SEAT } from "../../clients/gitlab/documents.ts";
import type { SeatHolder } from "../../clients/gitlab/seats.ts";
import type { AddOnPurchase, GitlabState } from "../../clients/gitlab/state.ts";
import { define } from "../define.ts";
import type { Resource, ResourceContext, Verdict } from "../resource.ts";
import { access, BEFORE_WRITES, type Gitlab, hidden, LOOK_MS, SETTLE_MS, stateOf } from "./gitlab.ts";
import { DUO_ENTERPRISE } from "./licence.ts";
import { write } from "./write.ts";

interface Observed {
  readonly state: GitlabState;
  readonly purchase: AddOnPurchase | null;
  readonly holder: SeatHolder | null;
}

/** GitLab has no list of all seats, so that many declared ones are looked at less often: ten a minute. */
const EACH_MS = 6_000;

/** A user has a seat of Duo Enterprise. Fettle takes none away. */
export function seat(gitlab: Gitlab, user: string): Resource<Observed> {
  return define<Observed>({
    id: `gitlab.seat[${user}]`,
    declared: { user },
    after: [...BEFORE_WRITES, "gitlab.licence"],
    settleMs: SETTLE_MS,
    polled: true,
    everyMs: Math.max(gitlab.pollMs, gitlab.params.seats.length > 10 ? gitlab.params.seats.length * EACH_MS : 0),
    lookMs: LOOK_MS,
    touches: ["gitlab:"],
    observe: (ctx, signal) => observe(ctx, gitlab, user, signal),
    diff: (observed) => diff(observed, user),
    apply: (ctx, _changes, signal) => apply(ctx, gitlab, user, signal),
  });
}

async function observe(ctx: ResourceContext, gitlab: Gitlab, user: string, signal: AbortSignal): Promise<Observed> {
  const state = await stateOf(ctx, gitlab, signal);
  const purchase = state.purchases.find(({ name }) => name === DUO_ENTERPRISE) ?? null;
  if (purchase === null) return { state, purchase, holder: null };
  const wanted = { user, addOn: DUO_ENTERPRISE, purchase: purchase.id };
  const asking = await access(ctx, gitlab);
  return { state, purchase, holder: await ctx.clients.gitlab.seatHolder(asking, state.schema, wanted, signal) };
}

function diff({ state, purchase, holder }: Observed, user: string): Verdict {
  if (purchase === null) return hidden(state, "seats of Duo Enterprise");
  if (holder === null) return { kind: "blocked", code: "gitlab.seat.user-unknown", args: { user } };
  if (holder.seated) return { kind: "in-sync" };
  const changes = [{ what: `seat of ${user}`, from: null, to: purchase.name }];
  if (purchase.assignedQuantity >= purchase.purchasedQuantity)
    return { kind: "blocked", code: "gitlab.seat.exhausted", args: exhausted(user, purchase), changes };
  return { kind: "drift", changes, disturbs: "none", breaking: false, creates: `a seat for ${user}` };
}

async function apply(ctx: ResourceContext, gitlab: Gitlab, user: string, signal: AbortSignal): Promise<void> {
  const { state, purchase, holder } = await observe(ctx, gitlab, user, signal);
  const bought = must(purchase, "the add-on's purchase");
  const input = { addOnPurchaseId: bought.id, userId: must(holder, user).id };
  const refusal = (problem: string): FettleError => {
    if (/NO_SEATS|NOT_ENOUGH_SEATS/.test(problem))
      return new FettleError("gitlab.seat.exhausted", exhausted(user, bought));
    return new FettleError("gitlab.seat.refused", { user, problem, version: state.version });
  };
  await write(ctx, gitlab, ASSIGN_SEAT, input, refusal, signal);
}

function exhausted(user: string, { name, assignedQuantity, purchasedQuantity }: AddOnPurchase) {
  return { user, addOn: name, assigned: assignedQuantity, purchased: purchasedQuantity };
}

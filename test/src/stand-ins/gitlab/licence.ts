import { isAdmin } from "./auth.ts";
import { generationOf } from "./schema.ts";
import type { Licence, Purchase, State } from "./state.ts";
import { type Caller, today, type World } from "./world.ts";

/** The licence while it is good; null when there is none or its last day is over. */
export function validLicence(world: World): Licence | null {
  const { licence } = world.store.state;
  if (!licence) return null;
  return licence.expiresAt && licence.expiresAt < today(world) ? null : licence;
}

export function activePurchases(world: World): [string, Purchase][] {
  if (!validLicence(world)) return [];
  return Object.entries(world.store.state.purchases).filter(([, bought]) => !ended(world, bought));
}

/** The add-on that Duo Self-Hosted needs. */
export function duoEnterprise(world: World): boolean {
  return activePurchases(world).some(([, bought]) => bought.name === "DUO_ENTERPRISE");
}

/** The Agent Platform's features on own models need an add-on of their own. */
export function platformSelfHosted(world: World): boolean {
  return activePurchases(world).some(([, bought]) => bought.name === "SELF_HOSTED_DAP");
}

/** Whether this caller may see and change self-hosted models: an administrator of an instance that has bought it. */
export function managesModels(world: World, caller: Caller | null): boolean {
  return isAdmin(world, caller) && planAllows(world) && duoEnterprise(world);
}

/** Premium came with 18.0. */
function planAllows(world: World): boolean {
  const plan = validLicence(world)?.plan;
  if (plan === "ultimate") return true;
  return plan === "premium" && !generationOf(world.store.state.version).startsWith("17.");
}

function ended(world: World, bought: Purchase): boolean {
  return Boolean(bought.expiresOn && bought.expiresOn < today(world));
}

export function assignedQuantity(state: State, purchase: string): number {
  return Object.values(state.seats).filter((seat) => seat.purchase === purchase).length;
}

export function hasSeat(world: World, userId: string): boolean {
  const active = new Set(activePurchases(world).map(([id]) => id));
  return Object.values(world.store.state.seats).some((seat) => seat.user === userId && active.has(seat.purchase));
}

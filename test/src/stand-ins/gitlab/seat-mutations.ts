import { PURCHASE, parseGid, USER } from "./gid.ts";
import { activePurchases, assignedQuantity } from "./licence.ts";
import { type Mutation, notAvailable, requireAdmin, type SignedCall } from "./mutation.ts";
import { page } from "./page.ts";
import { purchaseView, userView } from "./views.ts";

interface OneSeat {
  addOnPurchaseId: string;
  userId: string;
}

interface ManySeats {
  addOnPurchaseId: string;
  userIds: string[];
}

/** Add-ons whose seats are given to persons. */
const SEATED: ReadonlySet<string> = new Set(["CODE_SUGGESTIONS", "DUO_ENTERPRISE"]);

export const assignSeat: Mutation<OneSeat> = {
  writes: true,
  run(input, call) {
    const purchase = findPurchase(call, input.addOnPurchaseId);
    const user = findUser(call, input.userId);
    const problem = assign(call, purchase, user);
    if (problem !== null) return { errors: [problem] };
    return { ...views(call, purchase, user), errors: [] };
  },
};

export const removeSeat: Mutation<OneSeat> = {
  writes: true,
  run(input, call) {
    const purchase = findPurchase(call, input.addOnPurchaseId);
    const user = findUser(call, input.userId);
    remove(call, purchase, user);
    return { ...views(call, purchase, user), errors: [] };
  },
};

/** All or none: one seat short refuses the whole list. */
export const assignSeats: Mutation<ManySeats> = {
  writes: true,
  run(input, call) {
    const purchase = findPurchase(call, input.addOnPurchaseId);
    const users = input.userIds.map((id) => findUser(call, id));
    const missing = users.filter((user) => !seated(call, purchase, user));
    if (missing.length > free(call, purchase)) return { errors: ["NOT_ENOUGH_SEATS"] };
    const problems = users.flatMap((user) => assign(call, purchase, user) ?? []);
    return { ...manyViews(call, purchase, users), errors: problems };
  },
};

export const removeSeats: Mutation<ManySeats> = {
  writes: true,
  run(input, call) {
    const purchase = findPurchase(call, input.addOnPurchaseId);
    const users = input.userIds.map((id) => findUser(call, id));
    for (const user of users) remove(call, purchase, user);
    return { ...manyViews(call, purchase, users), errors: [] };
  },
};

/** Giving a seat to somebody who has it is done already. */
function assign(call: SignedCall, purchase: string, user: string): string | null {
  if (seated(call, purchase, user)) return null;
  if (free(call, purchase) <= 0) return "NO_SEATS_AVAILABLE";
  const person = call.world.store.state.users[user];
  if (!person?.active || person.bot) return "INVALID_USER_MEMBERSHIP";
  const id = call.world.store.nextId();
  call.world.store.change((state) => {
    state.seats[id] = { purchase, user };
  });
  return null;
}

function remove(call: SignedCall, purchase: string, user: string): void {
  call.world.store.change((state) => {
    for (const [id, seat] of Object.entries(state.seats)) {
      if (seat.purchase === purchase && seat.user === user) delete state.seats[id];
    }
  });
}

function seated(call: SignedCall, purchase: string, user: string): boolean {
  return Object.values(call.world.store.state.seats).some((seat) => seat.purchase === purchase && seat.user === user);
}

function free(call: SignedCall, purchase: string): number {
  const { state } = call.world.store;
  return (state.purchases[purchase]?.purchasedQuantity ?? 0) - assignedQuantity(state, purchase);
}

function findPurchase(call: SignedCall, value: string): string {
  requireAdmin(call);
  const id = parseGid(value, PURCHASE);
  const bought = activePurchases(call.world).find(([key]) => key === id)?.[1];
  if (!bought || !SEATED.has(bought.name)) throw notAvailable();
  return id;
}

function findUser(call: SignedCall, value: string): string {
  const id = parseGid(value, USER);
  if (!call.world.store.state.users[id]) throw notAvailable();
  return id;
}

function views(call: SignedCall, purchase: string, user: string): Record<string, unknown> {
  const { state } = call.world.store;
  return { addOnPurchase: purchaseView(state, purchase), user: userView(state, user) };
}

function manyViews(call: SignedCall, purchase: string, users: string[]): Record<string, unknown> {
  const { state } = call.world.store;
  return {
    addOnPurchase: purchaseView(state, purchase),
    users: (args: Record<string, never>) =>
      page(
        users.map((user) => userView(state, user)),
        args,
      ),
  };
}

import { GraphQLError } from "graphql";
import { hasScope, isAdmin } from "./auth.ts";
import { type Call, type Caller, stateOf, type World } from "./world.ts";

const READ_ONLY = "You cannot perform write operations on a read-only instance";
const NOT_AVAILABLE =
  "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

export type Payload = Record<string, unknown> & { errors: string[] };

/** One mutation. `run` answers what the user did wrong in `errors`, and throws what the user may not do at all. */
export interface Mutation<Input> {
  /** False for what leaves nothing behind, as a check. */
  writes: boolean;
  run(input: Input, call: SignedCall): Payload | Promise<Payload>;
  /** The payload's members that may not be null, for an answer that carries errors alone. */
  unchanged?(call: Call): Record<string, unknown>;
}

/** A call whose caller is known. */
export interface SignedCall {
  world: World;
  caller: Caller;
}

export type MutationField = (args: { input: Record<string, unknown> }, call: Call) => Promise<unknown>;

/** Puts around a mutation what all of them share: read-only instances, scopes, faults and the log. */
export function field<Input>(name: string, mutation: Mutation<Input>): MutationField {
  return async ({ input }, call) => {
    const { world, caller } = call;
    world.requests.add({
      at: world.now(),
      kind: "mutation",
      name,
      token: caller?.token.name ?? "",
      writes: mutation.writes,
    });
    refuseAll(name, call);
    if (!caller || !hasScope(caller, ["api"])) throw notAvailable();
    const refused = world.faults.now.refuse[name];
    const payload = refused
      ? { ...mutation.unchanged?.(call), errors: refused }
      : await mutation.run(input as Input, { world, caller });
    return { clientMutationId: input.clientMutationId ?? null, ...payload };
  };
}

export function notAvailable(): GraphQLError {
  return new GraphQLError(NOT_AVAILABLE);
}

export function requireAdmin(call: SignedCall): void {
  if (!isAdmin(call.world, call.caller)) throw notAvailable();
}

function refuseAll(name: string, call: Call): void {
  const state = stateOf(call);
  if (state.applicationSettings.maintenance_mode || state.geo === "secondary") throw new GraphQLError(READ_ONLY);
  const denied = call.world.faults.now.deny[name];
  if (denied !== undefined) throw new GraphQLError(denied);
}

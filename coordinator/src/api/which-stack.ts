import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import { maySee, type Principal } from "./principal.ts";
import type { StackView } from "./types.ts";

/** The stack that a request is about: named, the token's own, or the only one there is. */
export async function whichStack(context: Context, principal: Principal, named: string | undefined): Promise<string> {
  if (named !== undefined && !maySee(principal, named))
    throw new FettleError("api.not-found", { what: `stack ${named}` });
  if (named !== undefined) return named;
  if (principal.stack !== "*") return principal.stack;
  const [first, ...more] = await context.store.stacks.all();
  if (first === undefined) throw new FettleError("stack.absent");
  if (more.length > 0)
    throw new FettleError("stack.which", { stacks: [first, ...more].map((row) => row.stack).join(", ") });
  return first.stack;
}

/** All that is known of that stack; throws `stack.absent` while nothing was applied. */
export async function readStack(context: Context, principal: Principal, named: string | undefined): Promise<StackView> {
  const view = await context.reconciler.read(await whichStack(context, principal, named));
  if (view === null) throw new FettleError("stack.absent");
  return view;
}

/** The stack of a node that the caller may see; throws `api.not-found`. */
export async function readStackOf(context: Context, principal: Principal, node: string): Promise<StackView> {
  const row = await context.store.nodes.get(node);
  if (row === undefined || !maySee(principal, row.stack))
    throw new FettleError("api.not-found", { what: `node ${node}` });
  const view = await context.reconciler.read(row.stack);
  if (view === null) throw new FettleError("stack.absent");
  return view;
}

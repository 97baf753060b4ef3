import { applyRoute } from "@fettle/shared/api/apply.ts";
import { hashOf } from "@fettle/shared/lib/canonical.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { parseStack, type StackSpec } from "@fettle/shared/stack/stack.ts";
import type { Context } from "../context.ts";
import { DetailedError, steers } from "./handler.ts";
import { maySee, type Principal } from "./principal.ts";
import type { CompiledNode } from "./types.ts";

export const apply = steers(
  applyRoute,
  (_, { stack, revision, changed }) => ({ stack, what: changed ? `apply revision ${revision}` : "apply, no change" }),
  async ({ context, principal, body }) => {
    const spec = declared(body.text, principal);
    const current = await context.store.stacks.get(spec.name);
    const revision = current?.revision ?? 0;
    if (revision !== body.basedOn) throw new FettleError("stack.moved", { revision, base: body.basedOn });
    const { track, nodes } = await context.reconciler.preview(spec);
    const latched = await context.store.imageTracks.get(spec.name, revision);
    const same = current !== undefined && hashOf(JSON.parse(current.spec)) === hashOf(spec);
    const changed = !same || (track !== null && latched !== null && track !== latched);
    if (changed) await keep(context, principal, { spec, text: body.text, basedOn: revision, track, nodes });
    return { stack: spec.name, revision: changed ? revision + 1 : revision, changed, ...(await left(context, spec)) };
  },
);

/** The file's stack; throws `stack.invalid` with every problem, or what a token of another stack gets. */
export function declared(text: string, principal: Principal): StackSpec {
  const parsed = parseStack(text);
  if (!parsed.ok) {
    const { problems } = parsed;
    throw new DetailedError("stack.invalid", { count: problems.length }, { problems });
  }
  if (!maySee(principal, parsed.spec.name))
    throw new FettleError("api.not-found", { what: `stack ${parsed.spec.name}` });
  return parsed.spec;
}

interface Change {
  readonly spec: StackSpec;
  readonly text: string;
  readonly basedOn: number;
  readonly track: string | null;
  readonly nodes: readonly CompiledNode[];
}

/** All of it or nothing: the stack, its revision, what `auto` stands for, the nodes and the event. */
async function keep(context: Context, principal: Principal, change: Change): Promise<void> {
  const { spec, text: source, basedOn, track } = change;
  const at = context.clock.now();
  const stack = spec.name;
  const events = await context.store.write(async (queries) => {
    const text = JSON.stringify(spec);
    const revision = await queries.stacks.put({ stack, basedOn, spec: text, source, at });
    if (revision === null) throw new FettleError("stack.moved", { revision: basedOn + 1, base: basedOn });
    await queries.revisions.add({ stack, revision, spec: text, source, by: principal.who, at });
    if (track !== null) await queries.imageTracks.latch({ stack, revision, track, at });
    for (const { node, declared: roles } of change.nodes) {
      const address = spec.nodes[node]?.address ?? null;
      const ours = await queries.nodes.declare({ node, stack, address, roles: JSON.stringify(roles) });
      if (!ours) throw new FettleError("stack.node-taken", { node });
    }
    const said = `Revision ${revision} applied by ${principal.who}.`;
    return await context.events.append(queries, [{ stack, kind: "stack.applied", text: said, data: { revision } }]);
  });
  context.events.publish(events);
  context.reconciler.touchAll(stack);
}

async function left({ store }: Context, spec: StackSpec): Promise<{ neverSeen: string[]; released: string[] }> {
  const rows = await store.nodes.ofStack(spec.name);
  const named = (node: string) => Object.hasOwn(spec.nodes, node);
  return {
    neverSeen: rows.filter((row) => named(row.node) && row.registeredAt === null).map((row) => row.node),
    released: rows.filter((row) => !named(row.node)).map((row) => row.node),
  };
}

import { randomUUID } from "node:crypto";
import { repairRoute } from "@fettle/shared/api/repair.ts";
import type { ResourceView } from "@fettle/shared/api/resources.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import { steers } from "./handler.ts";
import { pauseOf } from "./pauses.ts";
import type { StackView } from "./types.ts";
import { resourceViews } from "./views/resource-view.ts";
import { readStack, readStackOf } from "./which-stack.ts";

/** State too: a new token per resource travels with the desired state; the agent that sees it tries at once. */
export const repair = steers(
  repairRoute,
  ({ body }, { stack }) => ({ stack, what: `repair ${whereOf(body.node, body.resource)}`.trim() }),
  async ({ context, principal, query, body: { node, resource } }) => {
    const view =
      node === undefined
        ? await readStack(context, principal, query.stack)
        : await readStackOf(context, principal, node);
    if (view.spec.mode === "observe") throw new FettleError("stack.observing");
    const meant = meantBy(view, node, resource);
    const free = await unpaused(context, view, meant);
    await ask(context, view, free, principal.who);
    return { stack: view.stack, resources: free.map((each) => `${each.node}/${each.id}`) };
  },
);

function whereOf(node: string | undefined, resource: string | undefined): string {
  return [node, resource].filter((part) => part !== undefined).join("/");
}

/** Named: that one, in whatever state. Else all that are not in sync. */
function meantBy(view: StackView, node: string | undefined, id: string | undefined): ResourceView[] {
  const all = [...view.views].flatMap(([name, state]) => resourceViews(name, state));
  if (id === undefined)
    return all.filter((each) => (node ?? each.node) === each.node && !["in-sync", "released"].includes(each.state));
  const found = all.filter((each) => each.node === node && each.id === id);
  if (found.length === 0) throw new FettleError("api.not-found", { what: `resource ${whereOf(node, id)}` });
  return found;
}

/** Those that nobody paused; throws `stack.paused` when that leaves none. */
async function unpaused(context: Context, view: StackView, meant: readonly ResourceView[]): Promise<ResourceView[]> {
  const pauses = await context.store.pauses.ofStack(view.stack, view.at);
  const free = meant.filter(({ node, id, state }) => pauseOf(pauses, node, id) === undefined && state !== "paused");
  const [first] = meant;
  if (free.length > 0 || first === undefined) return free;
  const pause = pauseOf(pauses, first.node, first.id);
  const where = `${first.node}/${first.id}`;
  throw new FettleError("stack.paused", {
    where,
    scope: pause?.scope ?? where,
    reason: pause?.reason ?? "on the machine itself, with `fettle-agent pause`",
  });
}

async function ask(context: Context, { stack }: StackView, chosen: readonly ResourceView[], by: string): Promise<void> {
  const at = context.clock.now();
  await context.store.write(async (queries) => {
    for (const { node, id } of chosen)
      await queries.retryTokens.put({ node, resource: id, stack, token: randomUUID(), by, at });
  });
  const text = `${by} asked for a repair of ${chosen.length} resource(s).`;
  await context.events.record({ stack, kind: "repair.asked", text });
  for (const node of new Set(chosen.map((each) => each.node))) context.reconciler.touch(node);
}

import { randomUUID } from "node:crypto";
import { approveRoute } from "@fettle/shared/api/repair.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { steers } from "./handler.ts";
import { NO_STATE } from "./views/node-view.ts";
import { resourceViews } from "./views/resource-view.ts";
import { readStackOf } from "./which-stack.ts";

/** Bound to the resource's present hash: a yes to something else is no yes. */
export const approve = steers(
  approveRoute,
  ({ body }, { stack, code }) => ({ stack, what: `approve ${body.node}/${body.resource} (${code})` }),
  async ({ context, principal, body: { node, resource } }) => {
    const { stack, views } = await readStackOf(context, principal, node);
    const where = `${node}/${resource}`;
    const found = resourceViews(node, views.get(node) ?? NO_STATE).find((each) => each.id === resource);
    if (found === undefined) throw new FettleError("api.not-found", { what: `resource ${where}` });
    if (found.state !== "blocked") throw new FettleError("stack.nothing-to-approve", { where, state: found.state });
    const at = context.clock.now();
    const by = principal.who;
    await context.store.approvals.put({ node, resource, resourceHash: found.hash, stack, token: randomUUID(), by, at });
    await context.events.record({ stack, kind: "approval.given", node, resource, text: `${by} approved ${where}.` });
    context.reconciler.touch(node);
    return { stack, where, code: found.code ?? "" };
  },
);

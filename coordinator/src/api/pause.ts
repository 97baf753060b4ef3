import { pauseRoute } from "@fettle/shared/api/pause.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { steers } from "./handler.ts";
import { isScope } from "./pauses.ts";
import { readStack } from "./which-stack.ts";

export const pause = steers(
  pauseRoute,
  ({ body }, { stack }) => ({ stack, what: `pause ${body.scope}: ${body.reason}` }),
  async ({ context, principal, query, body: { scope, reason, forMs } }) => {
    const view = await readStack(context, principal, query.stack);
    if (!isScope(view, scope)) throw new FettleError("api.not-found", { what: `${scope} in the stack` });
    const at = context.clock.now();
    const made = { scope, reason, by: principal.who, at, until: forMs === undefined ? null : at + forMs };
    await context.store.pauses.put({ stack: view.stack, ...made });
    const text = `${scope} was paused by ${principal.who}: ${reason}`;
    await context.events.record({ stack: view.stack, kind: "pause.set", text, data: { scope } });
    context.reconciler.touchAll(view.stack);
    return { stack: view.stack, pause: made };
  },
);

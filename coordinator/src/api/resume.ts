import { resumeRoute } from "@fettle/shared/api/pause.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { steers } from "./handler.ts";
import { whichStack } from "./which-stack.ts";

export const resume = steers(
  resumeRoute,
  ({ body }, { stack }) => ({ stack, what: `resume ${body.scope}` }),
  async ({ context, principal, query, body: { scope } }) => {
    const stack = await whichStack(context, principal, query.stack);
    if (!(await context.store.pauses.remove(stack, scope)))
      throw new FettleError("api.not-found", { what: `pause of ${scope}` });
    const text = `The pause of ${scope} was ended by ${principal.who}.`;
    await context.events.record({ stack, kind: "pause.ended", text, data: { scope } });
    context.reconciler.touchAll(stack);
    return { stack, scope };
  },
);

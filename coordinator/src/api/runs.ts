import { runsRoute } from "@fettle/shared/api/runs.ts";
import { reads } from "./handler.ts";
import { runView } from "./views/run-view.ts";
import { whichStack } from "./which-stack.ts";

export const runs = reads(runsRoute, async ({ context, principal, query }) => {
  const { node, resource, limit } = query;
  const stack = await whichStack(context, principal, query.stack);
  const filter = {
    stack,
    limit,
    ...(node === undefined ? {} : { node }),
    ...(resource === undefined ? {} : { resource }),
  };
  return { runs: (await context.store.runs.list(filter)).map(runView) };
});

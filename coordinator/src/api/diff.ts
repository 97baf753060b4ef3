import { diffRoute } from "@fettle/shared/api/plan.ts";
import { rollUp } from "@fettle/shared/api/words.ts";
import { reads } from "./handler.ts";
import { isBehind, NO_STATE, wordOf } from "./views/node-view.ts";
import { resourceViews } from "./views/resource-view.ts";
import { readStack } from "./which-stack.ts";

export const diff = reads(diffRoute, async ({ context, principal, query }) => {
  const view = await readStack(context, principal, query.stack);
  const names = [...view.rows.keys()].sort();
  const nodes = names.map((node) => {
    const state = view.views.get(node) ?? NO_STATE;
    return {
      node,
      generation: { desired: state.generation, reported: state.report?.desired?.generation ?? 0 },
      behind: isBehind(state),
      stale: !state.live,
      resources: resourceViews(node, state).filter(({ state: each }) => each !== "in-sync" && each !== "released"),
    };
  });
  const word = rollUp(names.map((node) => wordOf(view, node)));
  return { stack: view.stack, revision: view.revision, word, nodes };
});

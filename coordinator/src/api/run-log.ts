import { runLogRoute } from "@fettle/shared/api/runs.ts";
import { reads } from "./handler.ts";
import { readRun } from "./run.ts";

export const runLog = reads(runLogRoute, async ({ context, principal, params, query }) => {
  const row = await readRun(context, principal, params.id);
  const chunks = await context.store.logs.ofRun(params.id, query.after, query.limit);
  const shown = chunks.map(({ seq, at, data }) => ({ seq, at, data }));
  return { chunks: shown, done: row.phase === "done" && chunks.length < query.limit };
});

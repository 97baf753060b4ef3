import { runRoute } from "@fettle/shared/api/runs.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Context } from "../context.ts";
import { reads } from "./handler.ts";
import { maySee, type Principal } from "./principal.ts";
import type { RunRow } from "./types.ts";
import { runView } from "./views/run-view.ts";

export const run = reads(runRoute, async ({ context, principal, params }) => {
  return { run: runView(await readRun(context, principal, params.id)) };
});

/** Throws `api.not-found` for a run that is not there or is of a stack that the caller may not see. */
export async function readRun(context: Context, principal: Principal, id: string): Promise<RunRow> {
  const row = await context.store.runs.get(id);
  if (row === undefined || !maySee(principal, row.stack)) throw new FettleError("api.not-found", { what: `run ${id}` });
  return row;
}

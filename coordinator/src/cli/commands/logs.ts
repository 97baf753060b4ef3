import { runLogRoute, runsRoute } from "@fettle/shared/api/runs.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import type { Declare } from "../command.ts";
import type { Session } from "../session.ts";
import { parseResource } from "../where.ts";

const PACE_MS = 500;

export const logs: Declare = (program, act) => {
  program
    .command("logs")
    .argument("<run>", "the run's id, or NODE/ID for the last run of that resource")
    .description("A run's output")
    .option("-f, --follow", "stay until the run is over")
    .action(act(run));
};

async function run(session: Session, which: string, { follow }: { follow?: true }): Promise<number> {
  const id = which.includes("/") ? await lastRun(session, which) : which;
  let after = -1;
  for (;;) {
    const { chunks, done } = await session.api.call(runLogRoute, { params: { id }, query: { after } });
    for (const chunk of chunks) show(session, chunk);
    after = chunks.at(-1)?.seq ?? after;
    if (session.signal.aborted || (chunks.length === 0 && (done || !follow))) return 0;
    if (chunks.length === 0) await session.clock.sleep(PACE_MS, session.signal).catch(() => undefined);
  }
}

function show({ out }: Session, chunk: { seq: number; at: number; data: string }): void {
  if (out.isJson) out.json("run-log", chunk);
  else out.raw(chunk.data);
}

async function lastRun({ api, query }: Session, text: string): Promise<string> {
  const { node, resource } = parseResource(text);
  const { runs } = await api.call(runsRoute, { query: { ...query, node, resource, limit: 1 } });
  const [last] = runs;
  if (last === undefined) throw new FettleError("api.not-found", { what: `run of ${text}` });
  return last.id;
}

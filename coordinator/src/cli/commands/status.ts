import { type Status, statusRoute } from "@fettle/shared/api/status.ts";
import { exitCodeOf } from "@fettle/shared/api/words.ts";
import type { Declare } from "../command.ts";
import { statusChanges, statusLines } from "../render/status.ts";
import { time } from "../render/text.ts";
import type { Session } from "../session.ts";

const PACE_MS = 1000;

export const status: Declare = (program, act) => {
  program
    .command("status")
    .description("The whole stack on one screen")
    .option("--watch", "stay, and print what changes")
    .option("--detailed-exitcode", "0 in sync, 2 changing or failed, 3 unknown, 4 needs a person")
    .action(act(run));
};

async function run(
  session: Session,
  { watch, detailedExitcode }: { watch?: true; detailedExitcode?: true },
): Promise<number> {
  const first = await session.api.call(statusRoute, { query: session.query });
  show(session, first);
  const last = watch ? await follow(session, first) : first;
  return detailedExitcode ? exitCodeOf(last.word) : 0;
}

function show({ out }: Session, status: Status): void {
  if (out.isJson) out.json("status", status);
  else out.lines(statusLines(status, out));
}

/** Until interrupted; a line for each change, or in JSON the whole status when something changed. */
async function follow(session: Session, first: Status): Promise<Status> {
  const { api, out, clock, signal, query } = session;
  let before = first;
  while (!signal.aborted) {
    await clock.sleep(PACE_MS, signal).catch(() => undefined);
    if (signal.aborted) break;
    const after = await api.call(statusRoute, { query });
    const changes = statusChanges(before, after);
    if (out.isJson && changes.length > 0) out.json("status", after);
    else out.lines(changes.map((line) => `${time(after.at)} ${line}`));
    before = after;
  }
  return before;
}

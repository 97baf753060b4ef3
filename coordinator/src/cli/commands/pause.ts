import { pauseRoute } from "@fettle/shared/api/pause.ts";
import { formatDuration, parseDuration } from "@fettle/shared/lib/duration.ts";
import type { Declare } from "../command.ts";
import type { Session } from "../session.ts";
import { usage } from "../where.ts";

export const pause: Declare = (program, act) => {
  program
    .command("pause")
    .argument("[scope]", "NODE, NODE/ROLE or NODE/ID; default: the whole stack", "stack")
    .description("Stop repairing; drift is still reported")
    .requiredOption("--reason <text>", "why, for whoever finds it paused")
    .option("--until <time>", "how long (2h) or until when (2026-11-24T18:00:00Z); default: until resumed")
    .action(act(run));
};

async function run(
  session: Session,
  scope: string,
  { reason, until }: { reason: string; until?: string },
): Promise<number> {
  const { api, out, query, clock } = session;
  const forMs = until === undefined ? undefined : lasting(until, clock.now());
  const body = { scope, reason, ...(forMs === undefined ? {} : { forMs }) };
  const answer = await api.call(pauseRoute, { query, body });
  const end = forMs === undefined ? `until: fettle resume ${scope}` : `for ${formatDuration(forMs)}`;
  if (out.isJson) out.json("pause", answer);
  else out.lines([`${scope} is paused ${end}`]);
  return 0;
}

function lasting(text: string, now: number): number {
  const ms = parseDuration(text) ?? Date.parse(text) - now;
  if (Number.isFinite(ms) && ms > 0) return Math.round(ms);
  throw usage(`--until takes a time from now (2h) or one to come (2026-11-24T18:00:00Z), not ${text}`);
}

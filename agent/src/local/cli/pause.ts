import { parseDuration } from "@fettle/shared/lib/duration.ts";
import { FettleError } from "@fettle/shared/lib/errors.ts";
import { localDone } from "../views.ts";
import { type Command, printJson } from "./command.ts";

export const pause: Command = {
  name: "pause",
  summary: "change nothing here until resumed; differences are still reported",
  usage: "[ROLE|ID]",
  options: { reason: "why, for who finds it paused (needed)", until: "its end: 2h, or a time as in 2026-11-24T18:00Z" },
  detailed: false,
  positionals: 1,
  async run({ json, options, positionals }, io) {
    const scope = positionals[0] ?? "*";
    const reason = options.reason;
    if (reason === undefined) throw new FettleError("agent.usage", { problem: "a pause needs --reason" });
    const until = options.until === undefined ? null : endOf(options.until, io.clock.now());
    const body = { scope, reason, until, by: io.user };
    localDone.parse(await io.call({ method: "POST", path: "/v1/pause", body }));
    if (json) printJson(io, { scope, until });
    else
      io.out(
        `Paused ${scope === "*" ? "everything on this machine" : scope}. End it with: fettle-agent resume${scope === "*" ? "" : ` '${scope}'`}\n`,
      );
    return 0;
  },
};

/** Wall-clock ms of a duration from now or of a time. */
function endOf(text: string, now: number): number {
  const duration = parseDuration(text);
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (duration !== null) return now + duration;
  if (!Number.isNaN(time)) return time;
  throw new FettleError("agent.usage", {
    problem: `--until takes 2h or 2026-11-24T18:00Z, not ${JSON.stringify(text)}`,
  });
}

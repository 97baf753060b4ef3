import { parseTime } from "../clock.ts";
import type { LogEntry } from "../containers/log.ts";
import type { Core } from "../core.ts";
import { badRequest } from "../errors.ts";
import { frame } from "../exec/frames.ts";
import type { Call } from "./call.ts";

/** A container's output so far, and with `follow` what it says until it ends. */
export async function logs(call: Call, { containers, lifecycle }: Core): Promise<void> {
  const container = containers.get(call.params[0] ?? "");
  const { query } = call;
  const streams = ["stdout", "stderr"].filter((name) => isOn(query.get(name)));
  if (streams.length === 0) throw badRequest("Bad parameters: you must choose at least one stream");
  const output = call.stream(
    container.config.Tty ? "application/vnd.docker.raw-stream" : "application/vnd.docker.multiplexed-stream",
  );
  const stamped = isOn(query.get("timestamps"));
  const send = ({ log, stream, time }: LogEntry): void => {
    if (!streams.includes(stream)) return;
    const line = stamped ? `${time} ${log}` : log;
    output.write(container.config.Tty ? line : frame(stream, line));
  };
  const log = lifecycle.log(container);
  for (const entry of last(between(log.entries(), query), query.get("tail"))) send(entry);
  if (!isOn(query.get("follow")) || container.state.status !== "running") {
    output.end();
    return;
  }
  const stop = log.follow(send);
  const ended = lifecycle.runs.wait(container.id, "next-exit");
  call.gone.addEventListener("abort", () => {
    stop();
    ended.cancel();
  });
  await ended.exitCode;
  output.end();
}

function between(entries: LogEntry[], query: URLSearchParams): LogEntry[] {
  const since = parseTime(query.get("since") ?? "");
  const until = parseTime(query.get("until") ?? "");
  return entries.filter(({ time }) => {
    const at = Date.parse(time);
    return (since === undefined || at >= since) && (until === undefined || at <= until);
  });
}

function last(entries: LogEntry[], tail: string | null): LogEntry[] {
  const count = Number(tail ?? "all");
  if (tail === null || Number.isNaN(count) || count < 0) return entries;
  return count === 0 ? [] : entries.slice(-count);
}

function isOn(value: string | null): boolean {
  return value === "1" || value === "true";
}

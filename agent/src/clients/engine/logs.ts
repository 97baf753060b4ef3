import type { EngineCaller } from "./call.ts";
import { frames } from "./frames.ts";

export interface LogLine {
  /** As the Engine writes it: `2026-01-05T12:48:40.000000000Z`. */
  readonly at: string;
  readonly text: string;
}

export interface LogWindow {
  /** A time as the Engine writes it; lines of that very moment count too. */
  readonly since?: string;
  /** Only the newest so many. */
  readonly tail?: number;
}

const DEADLINE_MS = 10_000;

/** What a container said on both streams so far, oldest first. */
export async function* logLines(
  caller: EngineCaller,
  container: string,
  { since, tail }: LogWindow,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const query = {
    stdout: "1",
    stderr: "1",
    timestamps: "1",
    ...(since === undefined ? {} : { since: unixTime(since) }),
    ...(tail === undefined ? {} : { tail: String(tail) }),
  };
  const path = `/containers/${container}/logs`;
  const answer = await caller.stream({ path, query, deadlineMs: DEADLINE_MS, idleMs: DEADLINE_MS, signal });
  try {
    for await (const { text } of frames(answer.chunks)) {
      const at = text.indexOf(" ");
      if (at > 0) yield { at: text.slice(0, at), text: text.slice(at + 1) };
    }
  } finally {
    answer.close();
  }
}

/** Seconds since 1970 with nanoseconds, which Date does not have. */
function unixTime(at: string): string {
  const fraction = /\.(\d{1,9})/.exec(at)?.[1] ?? "";
  return `${Math.floor(Date.parse(at) / 1_000)}.${fraction.padEnd(9, "0")}`;
}

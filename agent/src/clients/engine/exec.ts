import * as z from "zod";
import type { Clock } from "../../system/clock.ts";
import type { EngineCaller } from "./call.ts";
import { frames } from "./frames.ts";

export interface Executed {
  /** null when it did not end in time. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const created = z.object({ Id: z.string() });
const state = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });
const MAX_TEXT = 256 * 1024;
/** After its output has ended the Engine takes a moment to know how it ended. */
const LOOKS = 20;
const LOOK_MS = 25;

/** Runs argv inside a container that runs, without a shell. A program that is not there ends with 126 or 127. */
export async function execute(
  caller: EngineCaller,
  clock: Clock,
  container: string,
  argv: readonly string[],
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Executed> {
  const body = { Cmd: argv, AttachStdout: true, AttachStderr: true };
  const path = `/containers/${container}/exec`;
  const { Id } = created.parse(await caller.json({ method: "POST", path, body, signal }));
  const output = { stdout: "", stderr: "" };
  const start = { method: "POST", path: `/exec/${Id}/start`, body: { Detach: false, Tty: false } } as const;
  const answer = await caller.stream({ ...start, deadlineMs, idleMs: deadlineMs, signal });
  try {
    for await (const { stream, text } of frames(answer.chunks))
      output[stream] = (output[stream] + text).slice(0, MAX_TEXT);
  } finally {
    answer.close();
  }
  return { code: await exitCode(caller, clock, Id, signal), ...output };
}

async function exitCode(caller: EngineCaller, clock: Clock, id: string, signal: AbortSignal): Promise<number | null> {
  for (let look = 0; look < LOOKS; look += 1) {
    const { Running, ExitCode } = state.parse(await caller.json({ path: `/exec/${id}/json`, signal }));
    if (!Running && typeof ExitCode === "number") return ExitCode;
    await clock.sleep(LOOK_MS, signal);
  }
  return null;
}

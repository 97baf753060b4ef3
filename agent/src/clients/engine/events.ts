import * as z from "zod";
import { ndjson } from "../ndjson.ts";
import type { EngineCaller } from "./call.ts";

const event = z.object({ Type: z.string(), Action: z.string(), Actor: z.object({ ID: z.string() }) });
export type EngineEvent = z.infer<typeof event>;

const HEAD_MS = 10_000;
/** An Engine with nothing to tell is silent; a stream is opened anew now and then all the same. */
const SILENCE_MS = 3_600_000;

/** What happens to containers and images from now on, until the signal or the Engine's end. Ends by throwing or ending. */
export async function* engineEventsOf(
  caller: EngineCaller,
  filters: Readonly<Record<string, readonly string[]>>,
  signal: AbortSignal,
): AsyncGenerator<EngineEvent> {
  const query = { filters: JSON.stringify(filters) };
  const answer = await caller.stream({ path: "/events", query, deadlineMs: HEAD_MS, idleMs: SILENCE_MS, signal });
  try {
    for await (const line of ndjson(answer.chunks)) yield event.parse(line);
  } finally {
    answer.close();
  }
}

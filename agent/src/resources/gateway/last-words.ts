import * as z from "zod";
import type { EngineClient } from "../../clients/engine/engine.ts";

const entry = z.object({ message: z.string() });
const LINES = 20;

/** The message of the last line that a container wrote, without anything else of it; "" when it said nothing. */
export async function lastWords(engine: EngineClient, container: string, signal: AbortSignal): Promise<string> {
  let last = "";
  for await (const { text } of engine.logs(container, { tail: LINES }, signal)) {
    const line = text.trim();
    if (line !== "") last = messageIn(line);
  }
  return last.slice(0, 200);
}

/** The gateway logs JSON; a program that cannot even begin writes plain text. */
export function messageIn(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    const parsed = entry.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data.message : "";
  } catch {
    return "";
  }
}

import { problem } from "@fettle/shared/api/apply.ts";
import * as z from "zod";

const details = z.object({ problems: z.array(problem) });

/** `stack.yaml:19:9 stack.unknown-key message`, one line a problem; nothing when the error has none. */
export function problemLines(file: string, error: unknown): string[] {
  const found = details.safeParse(error);
  if (!found.success) return [];
  return found.data.problems.map(({ line, column, code, message }) => `${file}:${line}:${column} ${code} ${message}`);
}

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

/** One line typed at the terminal, which does not show it. */
export async function askHidden(question: string, signal: AbortSignal): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_, __, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const end = new AbortController();
  lines.once("SIGINT", () => end.abort());
  try {
    return await lines.question("", { signal: AbortSignal.any([signal, end.signal]) });
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

import { once } from "node:events";
import { createReadStream } from "node:fs";
import { FettleError, messageOf } from "@fettle/shared/lib/errors.ts";
import { Parser, type ReadEntry } from "tar";
import type { FoundFile } from "./models-source.ts";

/**
 * The files of a tar (also of a compressed one), in their order; what of a file was not read when the next is asked for
 * is passed over. Throws `cli.file-unreadable`.
 */
export async function* tarMembers(file: string): AsyncGenerator<FoundFile> {
  const waiting: ReadEntry[] = [];
  const bell = { ring: (): void => undefined };
  const parser = new Parser({ strict: true });
  const source = createReadStream(file, { highWaterMark: 1024 * 1024 });
  let ended: { readonly problem: unknown } | null = null;
  const end = (problem: unknown): void => {
    ended ??= { problem };
    bell.ring();
  };
  parser.on("entry", (entry) => {
    waiting.push(entry);
    bell.ring();
  });
  parser.on("end", () => end(null));
  parser.on("error", end);
  void feed(source, parser).catch(end);
  try {
    for (;;) {
      const entry = waiting.shift();
      if (entry !== undefined) {
        if (entry.type === "File" || entry.type === "OldFile")
          yield { path: entry.path, size: entry.size, chunks: () => entry as AsyncIterable<Buffer> };
        entry.resume();
        continue;
      }
      const over = ended as { readonly problem: unknown } | null;
      if (over?.problem != null)
        throw new FettleError("cli.file-unreadable", { file, problem: messageOf(over.problem) });
      if (over !== null) return;
      await new Promise<void>((resolve) => {
        bell.ring = resolve;
      });
    }
  } finally {
    source.destroy();
  }
}

async function feed(source: AsyncIterable<Buffer>, parser: Parser): Promise<void> {
  for await (const chunk of source) if (!parser.write(chunk)) await once(parser, "drain");
  parser.end();
}

import type { Readable } from "node:stream";

/** One entry of an archive. Folders are entries too; a link's target is relative. */
export interface Entry {
  path: string;
  mode?: number;
  content?: string | Buffer;
  /** A big file: its size and its bytes. */
  stream?: { size: number; open: () => Readable };
  link?: string;
}

const BLOCK = 512;

/** A ustar archive, piece by piece. Owner root, all times the same: equal input gives equal bytes. */
export async function* ustar(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const content = Buffer.from((entry.content ?? "") as string);
    const size = entry.stream?.size ?? content.length;
    yield header(entry, size);
    if (entry.stream === undefined) yield content;
    else yield* entry.stream.open() as AsyncIterable<Buffer>;
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(entry: Entry, size: number): Buffer {
  const head = Buffer.alloc(BLOCK);
  const folder = entry.path.endsWith("/");
  const type = folder ? "5" : entry.link === undefined ? "0" : "2";
  const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, "0");
  if (Buffer.byteLength(entry.path) > 100) throw new Error(`name too long for ustar: ${entry.path}`);
  head.write(entry.path, 0);
  head.write(octal(entry.mode ?? (folder ? 0o755 : 0o644), 8), 100);
  head.write(octal(0, 8), 108);
  head.write(octal(0, 8), 116);
  head.write(octal(size, 12), 124);
  head.write(octal(1_767_225_600, 12), 136);
  head.write("        ", 148);
  head.write(type, 156);
  head.write(entry.link ?? "", 157);
  head.write("ustar\x0000", 257, "latin1");
  head.write("root", 265);
  head.write("root", 297);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${octal(sum, 7)}\0 `, 148, "latin1");
  return head;
}
